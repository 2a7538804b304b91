//! What processes of one system ask each other, where contexts are served apart. It stands in no document.

use std::sync::Arc;

use async_trait::async_trait;
use kernel_domain::StoreError;
use poem::http::header;
use poem::{Endpoint, Request, Response};

use crate::body;
use crate::problem::Problem;

/// The scheme of the credential that processes show each other.
const SCHEME: &str = "Contexts ";

/// Bytes of the longest question: the ids of all who work in a page of a hundred centers, a thousand people in each.
const LIMIT: usize = 4 * 1024 * 1024;

/// Whoever answers other processes of the same system.
#[async_trait]
pub trait Questions: Send + Sync {
    /// Whether this is the key of such a process, in as much time whether it is or not.
    fn admits(&self, key: &str) -> bool;

    /// The answer to a question in JSON, as JSON; `None` if nobody here can answer that.
    async fn answer(&self, question: &str, asked: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;
}

/// Answers whoever shows the key of a process, and says nothing to anybody else.
pub(crate) struct Desk(pub(crate) Arc<dyn Questions>);

impl Endpoint for Desk {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let key = request.header(header::AUTHORIZATION).and_then(|it| it.strip_prefix(SCHEME));
        if !key.is_some_and(|it| self.0.admits(it)) {
            return Err(Problem::permission_denied().into());
        }
        let question = request.raw_path_param("question").unwrap_or_default().to_owned();
        let (request, mut body) = request.split();
        let asked = body::read(&request, &mut body, LIMIT, body::DEADLINE).await?;
        let answer = self.0.answer(&question, &asked).await.map_err(Problem::from)?;
        let answer = answer.ok_or_else(Problem::not_found)?;
        Ok(Response::builder().content_type(body::JSON).body(answer))
    }
}
