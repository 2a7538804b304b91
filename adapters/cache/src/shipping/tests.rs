//! A center is put together once in a while, and anew whenever something was changed.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use async_trait::async_trait;
use kernel_application::{ScopedWork, TransactionScope};
use kernel_domain::StoreError;
use shipping_application::{Center, MockCenterDirectory};
use shipping_domain::CenterCode;
use shipping_domain::testing::center;
use tokio::time::advance;
use uuid::Uuid;

use super::centers::LIFETIME;
use super::*;
use crate::views::testing::Process;

fn a_center(code: &CenterCode) -> Arc<Center> {
    Arc::new(Center { id: Uuid::nil(), code: code.clone(), name: String::new(), staff: Vec::new() })
}

/// A directory that knows every center, and is asked for exactly these, one after another.
fn asked_for(questions: &'static [&'static [&'static str]]) -> Arc<dyn CenterDirectory> {
    let mut directory = MockCenterDirectory::new();
    let mut sequence = mockall::Sequence::new();
    for question in questions {
        directory
            .expect_find()
            .times(1)
            .in_sequence(&mut sequence)
            .withf(|codes| codes.iter().map(CenterCode::as_str).eq(question.iter().copied()))
            .returning(|codes| Ok(codes.iter().map(a_center).collect()));
    }
    Arc::new(directory)
}

/// The codes of the centers that are found, sorted.
async fn found(directory: &Arc<dyn CenterDirectory>, codes: &[&str]) -> Vec<String> {
    let codes: Vec<_> = codes.iter().map(|it| center(it)).collect();
    let found = directory.find(&codes).await.expect("centers");
    let mut found: Vec<_> = found.iter().map(|it| it.code.as_str().to_owned()).collect();
    found.sort();
    found
}

#[tokio::test(start_paused = true)]
async fn a_center_is_put_together_again_after_an_eviction_or_a_moment() {
    let process = Process::alone();
    let directory = process.views.center_directory(asked_for(&[&["ABC001"], &["ABC001"], &["ABC001"]]));

    for _ in 0..2 {
        assert_eq!(found(&directory, &["ABC001"]).await, ["ABC001"]);
    }
    process.evict(1).await;
    assert_eq!(found(&directory, &["ABC001"]).await, ["ABC001"], "somebody who works there may have another name");
    advance(LIFETIME).await;
    assert_eq!(found(&directory, &["ABC001"]).await, ["ABC001"], "something may have changed elsewhere");
}

#[tokio::test(start_paused = true)]
async fn only_what_is_missing_is_asked_for() {
    let directory = Process::alone().views.center_directory(asked_for(&[&["ABC001"], &["ABC002"]]));

    assert_eq!(found(&directory, &["ABC001"]).await, ["ABC001"]);
    assert_eq!(found(&directory, &["ABC001", "ABC002"]).await, ["ABC001", "ABC002"]);
    assert_eq!(found(&directory, &["ABC002", "ABC001"]).await, ["ABC001", "ABC002"]);
}

/// A directory whose first answer takes its time, while something may change.
struct Slow {
    process: Process,
    is_changed: bool,
    takes: Duration,
    questions: AtomicUsize,
}

#[async_trait]
impl CenterDirectory for Slow {
    async fn find(&self, codes: &[CenterCode]) -> Result<Vec<Arc<Center>>, StoreError> {
        if self.questions.fetch_add(1, Relaxed) == 0 {
            if self.is_changed {
                self.process.evict(1).await;
            }
            advance(self.takes).await;
        }
        Ok(codes.iter().map(a_center).collect())
    }

    async fn open_among(&self, codes: &[CenterCode]) -> Result<Vec<CenterCode>, StoreError> {
        Ok(codes.to_vec())
    }
}

#[tokio::test(start_paused = true)]
async fn what_changed_or_came_late_while_somebody_looked_is_not_kept() {
    for (is_changed, takes, questions) in [(false, Duration::ZERO, 1), (true, Duration::ZERO, 2), (false, LIFETIME, 2)]
    {
        let process = Process::alone();
        let slow = Arc::new(Slow { process: process.clone(), is_changed, takes, questions: AtomicUsize::new(0) });
        let directory = process.views.center_directory(slow.clone());

        for _ in 0..2 {
            assert_eq!(found(&directory, &["ABC001"]).await, ["ABC001"]);
        }
        assert_eq!(slow.questions.load(Relaxed), questions, "{is_changed} {takes:?}");
    }
}

struct NoTransaction;

#[async_trait]
impl TransactionScope for NoTransaction {
    async fn enclose(&self, work: ScopedWork<'_>) -> Result<(), StoreError> {
        work.await;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_transaction_sees_is_not_kept_and_it_sees_nothing_that_was_kept() {
    let views = Process::alone().views;
    let directory = views.center_directory(asked_for(&[&["ABC001"], &["ABC001"], &["ABC002"], &["ABC002"]]));
    found(&directory, &["ABC001"]).await;

    let inside = async {
        found(&directory, &["ABC001"]).await;
        found(&directory, &["ABC002"]).await;
        true
    };
    views.transaction_scope(Arc::new(NoTransaction)).enclose(Box::pin(inside)).await.expect("an end");

    found(&directory, &["ABC001"]).await;
    found(&directory, &["ABC002"]).await;
}

#[tokio::test]
async fn whether_a_center_is_open_is_asked_each_time() {
    let mut directory = MockCenterDirectory::new();
    directory.expect_open_among().times(2).returning(|codes| Ok(codes.to_vec()));
    let directory = Process::alone().views.center_directory(Arc::new(directory));

    for _ in 0..2 {
        assert_eq!(directory.open_among(&[center("ABC001")]).await.expect("codes"), [center("ABC001")]);
    }
}
