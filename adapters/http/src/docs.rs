//! The document and the pages that show it. All of it comes from here, none from a foreign host.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use poem::http::{HeaderValue, header};
use poem::{Endpoint, Request, Response, Result};
use poem_openapi::{OpenApi, OpenApiService};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::document::{Described, document};
use crate::resource::{Resource, Resources};
use crate::{READ_DOCS, caller};

/// The document, the pages that show it, and the page that leads there.
pub(crate) struct Docs {
    document: Fixed,
    swagger: Fixed,
    redoc: Fixed,
    home: Fixed,
}

/// An answer that never changes, made once.
#[derive(Clone)]
pub(crate) struct Fixed {
    body: Bytes,
    content_type: &'static str,
    policy: Option<HeaderValue>,
    /// Whether it takes a right to see it.
    guarded: bool,
}

impl Endpoint for Fixed {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        if self.guarded {
            caller::allowed(&request, READ_DOCS).await?;
        }
        let mut answer = Response::builder()
            .content_type(self.content_type)
            .header(header::CACHE_CONTROL, "private, max-age=300")
            .body(self.body.clone());
        if let Some(policy) = &self.policy {
            answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy.clone());
        }
        Ok(answer)
    }
}

impl Docs {
    /// The documentation of `service`.
    pub(crate) fn of<T: OpenApi>(service: &OpenApiService<Described<T>, ()>) -> Self {
        Self::showing(service, &document(service))
    }

    /// The documentation of `service` that shows this document of it.
    pub(crate) fn showing<T: OpenApi>(service: &OpenApiService<Described<T>, ()>, document: &Value) -> Self {
        let written = service.spec();
        let document = document.to_string();
        // Inside of a script element, nothing may look like its end.
        let inlined = document.replace("</", "<\\/");
        let shown = |page: String| Fixed::page(page.replace(&written, &inlined));
        Self {
            swagger: shown(service.swagger_ui_html()),
            redoc: shown(without_fonts(&service.redoc_html())),
            home: Fixed::page(HOME.to_owned()),
            document: Fixed { body: document.into(), content_type: "application/json", policy: None, guarded: true },
        }
    }
}

impl Docs {
    /// The documentation by its paths; unless `public`, reading it takes a right.
    pub(crate) fn resources(&self, public: bool) -> Resources {
        let resource = |page: &Fixed, guarded| Resource::get(Fixed { guarded, ..page.clone() });
        vec![
            ("/".to_owned(), resource(&self.home, false)),
            ("/api/docs/openapi.json".to_owned(), resource(&self.document, !public)),
            ("/api/docs/swagger".to_owned(), resource(&self.swagger, !public)),
            ("/api/docs/redoc".to_owned(), resource(&self.redoc, !public)),
        ]
    }
}

impl Fixed {
    /// A page whose scripts are these and no others.
    fn page(html: String) -> Self {
        let scripts: Vec<String> = scripts_of(&html)
            .map(|script| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(script.as_bytes()))))
            .collect();
        let scripts = if scripts.is_empty() { "'none'".to_owned() } else { scripts.join(" ") };
        let policy = format!(
            "default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src 'self' data:; \
             font-src 'self' data:; connect-src 'self'; worker-src blob:; form-action 'none'; \
             base-uri 'none'; frame-ancestors 'none'"
        );
        let policy = HeaderValue::try_from(policy).ok();
        Self { body: html.into(), content_type: "text/html; charset=utf-8", policy, guarded: true }
    }
}

/// What stands between the script tags of a page.
fn scripts_of(html: &str) -> impl Iterator<Item = &str> {
    html.split("</script>").filter_map(|part| {
        let (_, element) = part.split_once("<script")?;
        element.split_once('>').map(|(_, script)| script)
    })
}

/// Redoc's page asks Google for its fonts; those of the system will do.
fn without_fonts(html: &str) -> String {
    html.lines().filter(|line| !line.contains("fonts.googleapis.com")).collect::<Vec<_>>().join("\n")
}

const HOME: &str = "<!doctype html>
<html lang=\"en\">
<head><meta charset=\"utf-8\"><title>Majestic monolith</title></head>
<body>
<h1>Majestic monolith</h1>
<ul>
<li><a href=\"/api/docs/swagger\">Try the API (Swagger UI)</a></li>
<li><a href=\"/api/docs/redoc\">Read about the API (Redoc)</a></li>
<li><a href=\"/api/docs/openapi.json\">The OpenAPI document</a></li>
<li><a href=\"/api/readiness/\">Is it ready?</a></li>
</ul>
</body>
</html>
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_all_there_is_between_its_tags() {
        let page =
            "<html><script charset=\"UTF-8\">write('<script src=x>')</script><p>\n<script> let a; </script></html>";

        assert_eq!(scripts_of(page).collect::<Vec<_>>(), ["write('<script src=x>')", " let a; "]);
    }
}
