//! What a reader may rely on, however the store, Redis and other processes behave.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use kernel_domain::StoreError;
use tokio::task::{JoinSet, yield_now};
use tokio::time::advance;

use super::testing::{Note, Process, Shared, Store};
use super::{ABSENCE, GLANCE, KEYS_AT_ONCE, LOAD_DEADLINE, TOMBSTONE, View};

const SECOND: Duration = Duration::from_secs(1);
const INSTANT: Duration = Duration::from_millis(1);

fn just_before(end: Duration) -> Duration {
    end.saturating_sub(INSTANT)
}

fn two_processes() -> (Process, Process, Arc<Store>, Arc<Shared>) {
    let (store, shared) = (Store::new(), Arc::default());
    (Process::beside(&store, &shared), Process::beside(&store, &shared), store, shared)
}

/// Somebody who has seen the store as it is now, and does not come back until the gate is opened.
async fn a_slow_reader(process: &Process, id: u32) -> tokio::task::JoinHandle<Option<String>> {
    let loads = process.store.loads();
    process.store.close_the_gate();
    let reader = tokio::spawn({
        let process = process.clone();
        async move { process.read(id).await }
    });
    process.store.asked(loads + 1).await;
    reader
}

#[tokio::test(start_paused = true)]
async fn five_hundred_who_miss_the_same_load_it_once() {
    let (process, _, store, _) = two_processes();
    store.write(1, "old");

    let mut readers = JoinSet::new();
    for _ in 0..500 {
        let process = process.clone();
        readers.spawn(async move { process.read(1).await });
    }
    let read = readers.join_all().await;

    assert!(read.iter().all(|it| it.as_deref() == Some("old")));
    assert_eq!(store.loads(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_exist_is_looked_for_once_in_five_seconds() {
    for process in [Process::alone(), two_processes().0] {
        let mut readers = JoinSet::new();
        for _ in 0..500 {
            let process = process.clone();
            readers.spawn(async move { process.read(1).await });
        }
        assert!(readers.join_all().await.iter().all(Option::is_none));
        advance(just_before(ABSENCE)).await;
        assert_eq!(process.read(1).await, None);
        assert_eq!(process.store.loads(), 1);

        advance(ABSENCE).await;
        assert_eq!(process.read(1).await, None);
        assert_eq!(process.store.loads(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_view_is_loaded_once_a_day_for_all() {
    let (one, other, store, _) = two_processes();
    store.write(1, "old");
    for _ in 0..23 {
        assert_eq!((one.read(1).await.as_deref(), other.read(1).await.as_deref()), (Some("old"), Some("old")));
        advance(Duration::from_hours(1)).await;
    }
    assert_eq!(store.loads(), 1);
    advance(Duration::from_hours(1)).await;
    one.read(1).await;
    assert_eq!(store.loads(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_alone_keeps_a_view_as_long() {
    let process = Process::alone();
    process.store.write(1, "old");
    process.read(1).await;
    advance(just_before(Note::LIFETIME)).await;
    assert_eq!(process.read(1).await.as_deref(), Some("old"));
    assert_eq!(process.store.loads(), 1);
    advance(INSTANT).await;
    process.read(1).await;
    assert_eq!(process.store.loads(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_largest_view_is_kept_here_too() {
    let process = Process::alone();
    let a_hundred_centers_with_a_thousand_people = "p".repeat(100 * 1_000 * 39);
    process.store.write(1, &a_hundred_centers_with_a_thousand_people);
    for _ in 0..2 {
        process.read(1).await;
    }
    assert_eq!(process.store.loads(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_own_change_is_seen_at_once_and_one_made_elsewhere_within_a_second() {
    let (one, other, ..) = two_processes();
    let mut seen = None;
    for change in 0..10_000 {
        let text = change.to_string();
        one.change(1, &text).await;
        assert_eq!(one.read(1).await, Some(text.clone()));
        let elsewhere = other.read(1).await;
        assert!(elsewhere == seen || elsewhere.as_ref() == Some(&text));
        if change % 10 == 0 {
            advance(GLANCE).await;
            assert_eq!(other.read(1).await, Some(text.clone()));
            seen = Some(text);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_into_being_is_seen_at_once_by_whoever_looked_for_it_before() {
    let (one, other, ..) = two_processes();
    assert_eq!(one.read(1).await, None);

    one.change(1, "new").await;

    assert_eq!(one.read(1).await.as_deref(), Some("new"));
    assert_eq!(other.read(1).await.as_deref(), Some("new"));
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_brings_nothing_old_back() {
    let (one, other, store, _) = two_processes();
    for (reader, changer) in [(&one, &one), (&one, &other)] {
        changer.change(1, "old").await;
        advance(TOMBSTONE).await;
        let slow = a_slow_reader(reader, 1).await;
        changer.change(1, "new").await;
        advance(just_before(LOAD_DEADLINE)).await;
        store.open_the_gate();
        assert_eq!(slow.await.unwrap().as_deref(), Some("old"));

        assert_eq!(changer.read(1).await.as_deref(), Some("new"));
        advance(GLANCE).await;
        assert_eq!(reader.read(1).await.as_deref(), Some("new"));
        advance(TOMBSTONE).await;
        assert_eq!(other.read(1).await.as_deref(), Some("new"));
    }
}

#[tokio::test(start_paused = true)]
async fn who_asks_after_a_change_does_not_wait_for_who_asked_before() {
    let process = Process::alone();
    process.store.write(1, "old");
    let slow = a_slow_reader(&process, 1).await;

    process.change(1, "new").await;
    let later = tokio::spawn({
        let process = process.clone();
        async move { process.read(1).await }
    });
    process.store.asked(2).await;
    process.store.open_the_gate();

    assert_eq!(later.await.unwrap().as_deref(), Some("new"));
    assert_eq!(slow.await.unwrap().as_deref(), Some("old"));
    assert_eq!(process.read(1).await.as_deref(), Some("new"));
}

#[tokio::test(start_paused = true)]
async fn a_reader_who_leaves_takes_nothing_from_the_others() {
    let process = Process::alone();
    process.store.write(1, "old");
    let leaver = a_slow_reader(&process, 1).await;
    let stayer = tokio::spawn({
        let process = process.clone();
        async move { process.read(1).await }
    });
    yield_now().await;

    leaver.abort();
    assert!(leaver.await.unwrap_err().is_cancelled());
    process.store.open_the_gate();

    assert_eq!(stayer.await.unwrap().as_deref(), Some("old"));
    assert_eq!(process.store.loads(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_the_store_is_everybodys_and_is_not_kept() {
    let process = Process::alone();
    process.store.write(1, "old");
    process.store.is_down.store(true, Relaxed);

    let mut readers = JoinSet::new();
    for _ in 0..500 {
        let process = process.clone();
        readers.spawn(async move { process.try_read(1).await });
    }
    for outcome in readers.join_all().await {
        let fault = outcome.unwrap_err();
        assert!(matches!(fault, StoreError::Unavailable(_)));
        assert_eq!(std::error::Error::source(&fault).unwrap().to_string(), "gone");
    }
    assert_eq!(process.store.loads(), 1);

    process.store.is_down.store(false, Relaxed);
    assert_eq!(process.read(1).await.as_deref(), Some("old"));
}

#[tokio::test(start_paused = true)]
async fn a_load_that_never_ends_is_given_up_and_the_next_one_starts_anew() {
    let process = Process::alone();
    process.store.write(1, "old");
    let stuck = {
        let process = process.clone();
        process.store.close_the_gate();
        tokio::spawn(async move { process.try_read(1).await })
    };

    assert!(matches!(stuck.await.unwrap(), Err(StoreError::Unavailable(_))));

    process.store.open_the_gate();
    assert_eq!(process.read(1).await.as_deref(), Some("old"));
}

#[tokio::test(start_paused = true)]
async fn a_load_that_panics_holds_up_nobody() {
    let process = Process::alone();
    let panicking = process.views.read::<Note, _>(&[1], |_| async { panic!("a bug") }).await;

    assert!(matches!(panicking, Err(StoreError::Unavailable(_))));
    assert_eq!(process.read(1).await, None);
}

#[tokio::test(start_paused = true)]
async fn readers_are_served_while_redis_is_gone_and_it_is_asked_once_a_second() {
    let (process, _, store, shared) = two_processes();
    shared.is_down.store(true, Relaxed);
    for id in 0..1_000 {
        store.write(id, "text");
        assert_eq!(process.read(id).await.as_deref(), Some("text"));
        advance(SECOND / 100).await;
    }
    assert_eq!(shared.asked.load(Relaxed), 5 + 9);
    assert_eq!(store.loads(), 1_000);
}

#[tokio::test(start_paused = true)]
async fn an_eviction_that_redis_was_not_there_for_is_made_up_for() {
    let (one, other, store, shared) = two_processes();
    store.write(1, "old");
    one.read(1).await;

    shared.is_down.store(true, Relaxed);
    one.change(1, "new").await;
    shared.is_down.store(false, Relaxed);
    assert_eq!(one.read(1).await.as_deref(), Some("new"), "what is kept there is known to be old");
    assert_eq!(other.read(1).await.as_deref(), Some("old"), "nobody else can know yet");

    advance(2 * SECOND).await;
    yield_now().await;
    assert_eq!(other.read(1).await.as_deref(), Some("new"));
    assert_eq!(shared.epoch(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_eviction_is_made_up_for_after_a_long_outage_and_after_that_nothing_is_tried_any_more() {
    let (one, other, store, shared) = two_processes();
    store.write(1, "old");
    one.read(1).await;

    shared.is_down.store(true, Relaxed);
    one.change(1, "new").await;
    for _ in 0..100 {
        one.read(2).await;
        advance(SECOND).await;
    }
    shared.is_down.store(false, Relaxed);
    for _ in 0..5 {
        advance(SECOND).await;
        yield_now().await;
    }

    assert_eq!(other.read(1).await.as_deref(), Some("new"));
    let asked = shared.asked.load(Relaxed);
    advance(100 * SECOND).await;
    assert_eq!(shared.asked.load(Relaxed), asked);
}

#[tokio::test(start_paused = true)]
async fn more_evictions_than_can_be_remembered_begin_a_new_epoch() {
    let (one, other, store, shared) = two_processes();
    store.write(1, "old");
    store.write(2, "same");
    one.read(1).await;
    one.read(2).await;

    shared.is_down.store(true, Relaxed);
    one.change(1, "new").await;
    for id in 10..10_020 {
        one.change(id, "other").await;
    }
    shared.is_down.store(false, Relaxed);
    let asked = shared.asked.load(Relaxed);
    one.read(2).await;
    one.read(3).await;
    assert_eq!(shared.asked.load(Relaxed), asked, "what is kept there is not believed any more");

    for _ in 0..3 {
        advance(SECOND).await;
        yield_now().await;
    }
    assert_eq!(shared.epoch(), 1);
    assert_eq!(other.read(1).await.as_deref(), Some("new"));
    let loads = store.loads();
    advance(GLANCE).await;
    assert_eq!(one.read(1).await.as_deref(), Some("new"));
    assert_eq!(store.loads(), loads, "it is shared again");
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_and_means_nothing_is_read_from_the_store() {
    let (process, _, store, shared) = two_processes();
    store.write(1, "text");
    shared.corrupt(Note::key(&1));
    assert_eq!(process.read(1).await.as_deref(), Some("text"));
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_and_means_nothing_is_replaced_when_its_tombstone_is_gone() {
    let (one, other, store, shared) = two_processes();
    store.write(1, "text");
    shared.corrupt(Note::key(&1));
    one.read(1).await;

    advance(TOMBSTONE).await;
    assert_eq!(one.read(1).await.as_deref(), Some("text"));
    let loads = store.loads();
    assert_eq!(other.read(1).await.as_deref(), Some("text"));
    assert_eq!(store.loads(), loads, "it is shared again");
}

#[tokio::test(start_paused = true)]
async fn many_are_read_by_one_look_at_redis_and_one_at_the_store_and_too_many_by_the_store_alone() {
    let (process, _, store, shared) = two_processes();
    let ids: Vec<u32> = (0..2_000).collect();
    for id in &ids {
        store.write(*id, "text");
    }
    let read = async |ids: &[u32]| {
        let store = store.clone();
        let load = move |ids| {
            let store = store.clone();
            async move { store.load(ids).await }
        };
        process.views.read::<Note, _>(ids, load).await.unwrap().len()
    };

    process.read(7).await;
    let before = (store.loads(), shared.asked.load(Relaxed));
    assert_eq!(read(&ids[..100]).await, 100);
    assert_eq!((store.loads(), shared.asked.load(Relaxed)), (before.0 + 1, before.1 + 2), "read and filled");
    assert_eq!(read(&ids[..100]).await, 100);
    assert_eq!((store.loads(), shared.asked.load(Relaxed)), (before.0 + 1, before.1 + 2));

    assert_eq!(read(&ids).await, 2_000);
    assert!(ids.len() > KEYS_AT_ONCE);
    assert_eq!((store.loads(), shared.asked.load(Relaxed)), (before.0 + 2, before.1 + 2));
    assert_eq!(read(&[1, 1, 1]).await, 1);
}
