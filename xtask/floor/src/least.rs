//! Operations of which only the least is done here: bytes that never change, and a password that is always right.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, Version};
use poem::error::InternalServerError;
use poem::http::StatusCode;
use poem::web::Data;
use poem::{Body, IntoResponse as _, Response, Result, handler};
use tokio::sync::Semaphore;

/// As many as the product hashes at the same time.
const AT_ONCE: usize = 2;

/// What is answered.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn answer(&self) -> Response {
        self.bytes().with_content_type("application/json; charset=utf-8").into_response()
    }
}

#[handler]
pub(crate) async fn keep(kept: Data<&Kept>, body: Body) -> Result<()> {
    *kept.0.0.lock().unwrap_or_else(PoisonError::into_inner) = body.into_vec().await?;
    Ok(())
}

#[handler]
#[expect(clippy::needless_pass_by_value, reason = "a handler is given what it takes")]
pub(crate) fn bytes(kept: Data<&Kept>) -> Response {
    kept.0.answer()
}

/// With the parameters of the product.
#[derive(Clone)]
pub(crate) struct Hasher {
    argon2: Argon2<'static>,
    turns: Arc<Semaphore>,
}

impl Hasher {
    pub(crate) fn new() -> Self {
        let params = Params::new(19 * 1024, 2, 1, None).unwrap_or_default();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        Self { argon2, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

#[handler]
pub(crate) async fn hash(hasher: Data<&Hasher>, kept: Data<&Kept>, body: Body) -> Result<Response> {
    let password = body.into_vec().await?;
    let turn = hasher.turns.clone().acquire_owned().await.map_err(InternalServerError)?;
    let argon2 = hasher.argon2.clone();
    let ended = tokio::task::spawn_blocking(move || {
        let outcome = argon2.hash_password(&password).map(drop);
        drop(turn);
        outcome
    });
    let outcome = ended.await.map_err(InternalServerError)?;
    outcome.map_err(|why| poem::Error::from_string(why.to_string(), StatusCode::INTERNAL_SERVER_ERROR))?;
    Ok(kept.answer())
}
