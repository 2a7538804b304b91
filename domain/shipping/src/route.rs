//! Where a transport goes.

use crate::CenterCode;

/// A trip from one center to another: a route that leads nowhere cannot be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    source: CenterCode,
    destination: CenterCode,
}

/// A route that would end where it starts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a transport cannot start and end at {0}")]
pub struct CircularRoute(pub CenterCode);

impl Route {
    /// From `source` to `destination`.
    pub fn between(source: CenterCode, destination: CenterCode) -> Result<Self, CircularRoute> {
        if source == destination {
            return Err(CircularRoute(source));
        }
        Ok(Self { source, destination })
    }

    /// Where it starts.
    pub fn source(&self) -> &CenterCode {
        &self.source
    }

    /// Where it ends.
    pub fn destination(&self) -> &CenterCode {
        &self.destination
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_leads_somewhere_else() {
        let code = |raw| CenterCode::parse(raw).expect("a code");

        assert!(Route::between(code("ABC001"), code("ABC002")).is_ok());
        let circular = Route::between(code("ABC001"), code(" ABC001 "));
        assert_eq!(circular, Err(CircularRoute(code("ABC001"))));
        assert_eq!(CircularRoute(code("ABC001")).to_string(), "a transport cannot start and end at ABC001");
    }
}
