//! Confidential payloads, sealed to their events: a row that somebody copies to another event opens nothing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel_application::Sealing;
use kernel_domain::BoxError;
use uuid::Uuid;

pub(super) fn seal(sealing: &dyn Sealing, event: Uuid, payload: &str) -> String {
    STANDARD.encode(sealing.seal(payload.as_bytes(), event.as_bytes()))
}

pub(super) fn open(sealing: &dyn Sealing, event: Uuid, payload: &str) -> Result<String, BoxError> {
    let plain = sealing.open(&STANDARD.decode(payload)?, event.as_bytes())?;
    Ok(String::from_utf8(plain)?)
}
