//! What a token allows, decided by Datalog for each request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use auth_application::RequestFacts;
use biscuit_auth::datalog::RunLimits;
use biscuit_auth::macros::fact;
use biscuit_auth::{AuthorizerBuilder, Biscuit, error};
use chrono::{DateTime, Utc};
use kernel_application::{Operation, Rights};
use kernel_domain::BoxError;

const POLICIES: &str = include_str!("rights.datalog");

/// Time is bounded generously: the library's own limit of a millisecond refuses valid tokens when
/// the machine is busy. Facts and iterations are what bounds the work.
const LIMITS: RunLimits = RunLimits { max_facts: 500, max_iterations: 50, max_time: Duration::from_secs(1) };

/// The policies, parsed once.
pub(crate) fn policies() -> Result<AuthorizerBuilder, error::Token> {
    Ok(AuthorizerBuilder::new().code(POLICIES)?.set_limits(LIMITS))
}

/// A token whose signature holds, with the decisions made for it so far.
pub(crate) struct ReadToken {
    pub(crate) biscuit: Biscuit,
    pub(crate) policies: AuthorizerBuilder,
    /// Decisions for a token that nobody narrowed depend on the operation alone. There are as
    /// many as there are operations, and they go when the token does.
    pub(crate) decided: Mutex<HashMap<Operation, bool>>,
}

impl ReadToken {
    fn narrowed(&self) -> bool {
        self.biscuit.block_count() > 1
    }

    fn decide(&self, operation: Operation, request: &RequestFacts, now: DateTime<Utc>) -> Result<bool, error::Token> {
        let (name, method, path) = (operation.name(), request.method.as_str(), request.path.as_str());
        let now = SystemTime::from(now);
        let mut authorizer = self
            .policies
            .clone()
            .fact(fact!("operation({name})"))?
            .fact(fact!("method({method})"))?
            .fact(fact!("path({path})"))?
            .fact(fact!("time({now})"))?
            .build(&self.biscuit)?;
        match authorizer.authorize() {
            Ok(_) => Ok(true),
            Err(error::Token::FailedLogic(_) | error::Token::Execution(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// The rights of a token in one request.
pub(crate) struct TokenRights {
    pub(crate) token: Arc<ReadToken>,
    pub(crate) request: RequestFacts,
    pub(crate) now: DateTime<Utc>,
}

impl Rights for TokenRights {
    fn allow(&self, operation: Operation) -> Result<bool, BoxError> {
        if self.token.narrowed() {
            return Ok(self.token.decide(operation, &self.request, self.now)?);
        }
        let known = self.token.decided.lock().unwrap_or_else(PoisonError::into_inner).get(&operation).copied();
        if let Some(decision) = known {
            return Ok(decision);
        }
        let decision = self.token.decide(operation, &self.request, self.now)?;
        self.token.decided.lock().unwrap_or_else(PoisonError::into_inner).insert(operation, decision);
        Ok(decision)
    }
}
