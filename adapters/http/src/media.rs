//! Pictures and other files, where no object store hands them out.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use kernel_domain::BoxError;
use poem::http::{HeaderValue, header};
use poem::{Endpoint, Request, Response, Result};

use crate::problem::Problem;

/// A file to hand out.
pub struct MediaFile {
    /// What it is, decided by its content when it was taken.
    pub media_type: String,
    /// What is in it.
    pub bytes: Bytes,
}

/// Files that can be asked for by anybody who knows their names.
#[async_trait]
pub trait Media: Send + Sync {
    /// The file at `path`, whose names are separated by slashes and never lead upwards; `None` if there is none.
    async fn read(&self, path: &str) -> Result<Option<MediaFile>, BoxError>;
}

/// Hands out what `/media/*path` names.
pub(crate) struct Files(pub(crate) Arc<dyn Media>);

impl Endpoint for Files {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let path = request.raw_path_param("path").filter(|it| is_plain(it)).ok_or_else(Problem::not_found)?;
        let MediaFile { media_type, bytes } =
            self.0.read(path).await.map_err(Problem::unavailable)?.ok_or_else(Problem::not_found)?;
        let media_type = HeaderValue::try_from(media_type).map_err(|error| Problem::internal(error.to_string()))?;
        // Whoever opens a file sees it in a page of its own that may do nothing: it was somebody's upload.
        Ok(Response::builder()
            .header(header::CONTENT_TYPE, media_type)
            .header(header::CACHE_CONTROL, "private, max-age=300")
            .header(header::CONTENT_DISPOSITION, "inline")
            .header(header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'; frame-ancestors 'none'")
            .body(bytes))
    }
}

/// Whether every part of the path is a plain name.
fn is_plain(path: &str) -> bool {
    let is_name = |part: &str| !part.is_empty() && !part.starts_with('.');
    let is_safe = |byte: u8| byte.is_ascii_graphic() && !b"\\%:".contains(&byte);
    path.bytes().all(is_safe) && path.split('/').all(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_nowhere_but_down() {
        assert!(is_plain("images/user/driver/0f3a.jpg.medium.png"));
        for path in
            ["", "/", "a//b", "a/", "..", "../etc/passwd", "a/../../b", ".env", "a/.git", "a\\..\\b", "C:x", "a\0", "é"]
        {
            assert!(!is_plain(path), "{path}");
        }
    }
}
