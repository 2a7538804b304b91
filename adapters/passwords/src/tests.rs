//! Whose password is right, and what becomes of older hashes.

use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::*;

/// What Django 5.2 writes for `correct horse`, with fewer iterations.
const DJANGO: &str = "pbkdf2_sha256$1000$seasalt$mQnueSakb748zqBAC1tmWVZsZbi2zPGZarEzTGdfmso=";
/// What Django writes for an account without a password.
const UNUSABLE: &str = "!fqi9vG6ODwJ2oZBRvMtCr0wfoLZalZS47SmV8w1j";
/// `correct horse` with 8 MiB and one pass, with our memory but argon2i, and with 64 MiB and three passes.
const WEAKER: &str = "$argon2id$v=19$m=8192,t=1,p=1$HvEJRPv0k70hLR3OrmFyPA$R9RoYj0HqWRhBvW1htS3+n302F3cD+mWB7CNbOWkKpY";
const OTHER: &str = "$argon2i$v=19$m=19456,t=2,p=1$B3w0p8TZUYMfogX65zzfow$MFvmHRiS31kFDIFNaTTbH8sq2TmSZuFNUNI11uHAKq0";
const STRONGER: &str =
    "$argon2id$v=19$m=65536,t=3,p=1$mSk8wY+iwAWTcf66QlDyQg$TrwHIY356jvkmuv3CNMG062N/ihC+0PI6j8evINxhdE";

fn hasher() -> Argon2id {
    Argon2id::new().expect("a hasher")
}

fn a_password(text: &str) -> NewPassword {
    NewPassword::choose(Password::typed(text)).expect("long enough")
}

async fn verify(hasher: &Argon2id, typed: &str, kept: &str) -> Result<Verified, StoreError> {
    hasher.verify(&Password::typed(typed), Some(PasswordHash::new(kept))).await
}

#[tokio::test]
async fn only_the_password_that_was_hashed_is_right() {
    let hasher = hasher();
    let hash = hasher.hash(&a_password("correct horse")).await.expect("a hash");

    assert_eq!(verify(&hasher, "correct horse", hash.as_str()).await.expect("an answer"), Verified::Right);
    for wrong in ["correct horsf", "correct horse ", "Correct horse", ""] {
        assert_eq!(verify(&hasher, wrong, hash.as_str()).await.expect("an answer"), Verified::Wrong);
    }
}

#[tokio::test]
async fn every_byte_of_a_long_password_counts() {
    let hasher = hasher();
    let long = "비밀".repeat(64);
    let hash = hasher.hash(&a_password(&long)).await.expect("a hash");

    assert_eq!(verify(&hasher, &long, hash.as_str()).await.expect("an answer"), Verified::Right);
    let cut = &long[..long.len() - "밀".len()];
    assert_eq!(verify(&hasher, cut, hash.as_str()).await.expect("an answer"), Verified::Wrong);
}

#[tokio::test]
async fn a_hash_is_written_with_the_parameters_of_owasp_and_its_own_salt() {
    let hasher = hasher();
    let one = hasher.hash(&a_password("correct horse")).await.expect("a hash");
    let other = hasher.hash(&a_password("correct horse")).await.expect("a hash");

    assert!(one.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", one.as_str());
    assert_ne!(one, other);
}

#[tokio::test]
async fn older_hashes_are_checked_and_replaced() {
    let hasher = hasher();

    for older in [DJANGO, WEAKER, OTHER] {
        assert_eq!(verify(&hasher, "correct horsf", older).await.expect("an answer"), Verified::Wrong, "{older}");
        let Verified::Outdated(fresh) = verify(&hasher, "correct horse", older).await.expect("an answer") else {
            panic!("{older} is outdated");
        };
        assert_eq!(verify(&hasher, "correct horse", fresh.as_str()).await.expect("an answer"), Verified::Right);
    }
}

#[tokio::test]
async fn a_stronger_hash_is_left_as_it_is() {
    assert_eq!(verify(&hasher(), "correct horse", STRONGER).await.expect("an answer"), Verified::Right);
}

#[tokio::test]
async fn nobody_has_the_password_of_no_account_or_of_one_without() {
    let hasher = hasher();

    for typed in ["nobody has this password", UNUSABLE, "!", ""] {
        let stranger = hasher.verify(&Password::typed(typed), None).await.expect("an answer");
        assert_eq!(stranger, Verified::Wrong);
        assert_eq!(verify(&hasher, typed, UNUSABLE).await.expect("an answer"), Verified::Wrong);
    }
}

/// The work is counted, not the time: what has no hash takes a turn like what has one.
#[tokio::test]
async fn a_stranger_takes_a_turn_like_anybody() {
    let hasher = Arc::new(hasher());
    let turns = hasher.running.clone().acquire_many_owned(2).await.expect("every turn");

    for kept in [None, Some(PasswordHash::new(UNUSABLE)), Some(hasher.decoy.clone())] {
        let password = Password::typed("correct horse");
        let mut waiting = std::pin::pin!(hasher.verify(&password, kept));
        let polled = std::future::poll_fn(|context| std::task::Poll::Ready(waiting.as_mut().poll(context))).await;
        assert!(polled.is_pending(), "it waits for its turn");
    }
    drop(turns);
}

/// One thread runs all of this: if a hash kept it, nobody could say meanwhile that the hash may end.
#[tokio::test]
async fn a_password_that_is_being_hashed_holds_up_nobody() {
    let hasher = hasher();
    let (begun, begins) = oneshot::channel();
    let (finish, finished) = mpsc::channel::<()>();

    let hashing = hasher.in_turn(move |_, _| {
        let _ = begun.send(());
        finished.recv_timeout(Duration::from_secs(20)).map_err(StoreError::unavailable)
    });
    let somebody_else = async {
        begins.await.expect("it begins");
        assert_eq!(hasher.load(), Load { busy: 1, waiting: 0 });
        finish.send(()).expect("it is still being hashed");
    };
    let (outcome, ()) = tokio::join!(hashing, somebody_else);

    outcome.expect("it did not wait in vain");
    assert_eq!(hasher.load(), Load { busy: 0, waiting: 0 });
}

#[tokio::test]
async fn a_queue_that_is_full_refuses_at_once() {
    let hasher = Arc::new(hasher());
    let busy = hasher.admitted.clone().acquire_many_owned(34).await.expect("every place");

    let refusal = hasher.verify(&Password::typed("correct horse"), None).await;

    assert!(matches!(refusal, Err(StoreError::Unavailable(_))));
    drop(busy);
    assert!(hasher.verify(&Password::typed("correct horse"), None).await.is_ok());
}

#[tokio::test]
async fn a_kept_hash_that_is_none_is_our_fault() {
    let hasher = hasher();

    for kept in [
        "",
        "md5:42",
        "pbkdf2_sha1$1000$seasalt$mQnueSakb748zqBAC1tmWVZsZbi2zPGZarEzTGdfmso=",
        "pbkdf2_sha256$0$seasalt$mQnueSakb748zqBAC1tmWVZsZbi2zPGZarEzTGdfmso=",
        "pbkdf2_sha256$2000001$seasalt$mQnueSakb748zqBAC1tmWVZsZbi2zPGZarEzTGdfmso=",
        "pbkdf2_sha256$1000$$mQnueSakb748zqBAC1tmWVZsZbi2zPGZarEzTGdfmso=",
        "pbkdf2_sha256$1000$seasalt$mQnueSakb748",
        "pbkdf2_sha256$1000$seasalt$",
        "pbkdf2_sha256$1000$seasalt",
        "pbkdf2_sha256$1000$seasalt$mQnueSakb748zqBAC1tmWVZsZbi2zPGZarEzTGdfmso=$",
        "$argon2id$v=19$m=4194304,t=2,p=1$HvEJRPv0k70hLR3OrmFyPA$R9RoYj0HqWRhBvW1htS3+n302F3cD+mWB7CNbOWkKpY",
        "$argon2id$v=19$m=19456,t=1000,p=1$HvEJRPv0k70hLR3OrmFyPA$R9RoYj0HqWRhBvW1htS3+n302F3cD+mWB7CNbOWkKpY",
        "$argon2id$v=19$m=19456,t=2,p=1$HvEJRPv0k70hLR3OrmFyPA",
    ] {
        let answer = verify(&hasher, "correct horse", kept).await;
        assert!(matches!(answer, Err(StoreError::Corrupt { what: "password hash", .. })), "{kept}");
    }
}
