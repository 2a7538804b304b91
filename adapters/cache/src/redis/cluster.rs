//! A connection to all nodes of a cluster, each of which keeps a part of the keys.

use bb8_redis::redis::aio::ConnectionLike;
use bb8_redis::redis::cluster_async::ClusterConnection;
use bb8_redis::redis::{Cmd, ErrorKind, Pipeline, RedisError, RedisResult, Value};
use tokio::task::JoinSet;

/// Finds the node for each question. Only primaries are asked: what a replica answers may be out of date.
#[derive(Clone)]
pub(super) struct ClusterLink {
    nodes: ClusterConnection,
}

impl ClusterLink {
    pub(super) fn over(nodes: ClusterConnection) -> Self {
        Self { nodes }
    }

    pub(super) async fn ask(&mut self, question: &Cmd) -> RedisResult<Value> {
        self.nodes.req_packed_command(question).await
    }

    /// Asks all at once. The client by itself sends a pipeline to one node, and these are for several; it puts what
    /// goes to the same node at the same time into the same packets, so this costs one round trip to each.
    pub(super) async fn ask_all(&mut self, questions: &Pipeline) -> RedisResult<Vec<Value>> {
        if questions.is_transaction() {
            return Err((ErrorKind::InvalidClientConfig, "a transaction cannot span a cluster").into());
        }
        let mut asked = JoinSet::new();
        for (place, question) in questions.cmd_iter().cloned().enumerate() {
            let mut link = self.clone();
            asked.spawn(async move { link.ask(&question).await.map(|answer| (place, answer)) });
        }
        let mut answers = vec![Value::Nil; asked.len()];
        while let Some(finished) = asked.join_next().await {
            let (place, answer) = finished.map_err(|error| RedisError::from(std::io::Error::other(error)))??;
            answers[place] = answer;
        }
        Ok(answers)
    }
}
