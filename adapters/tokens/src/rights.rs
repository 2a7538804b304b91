//! What a credential allows, decided by Datalog.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use auth_application::{Claims, RequestFacts};
use biscuit_auth::builder::{Fact, boolean, date, string};
use biscuit_auth::datalog::RunLimits;
use biscuit_auth::{Authorizer, AuthorizerBuilder, Biscuit, builder, error};
use chrono::{DateTime, Utc};
use kernel_application::{Operation, Rights};
use kernel_domain::BoxError;
use quick_cache::sync::Cache;

const POLICIES: &str = include_str!("rights.datalog");

/// Time is bounded generously: the library's own limit of a millisecond refuses valid tokens when
/// the machine is busy. Facts and iterations are what bounds the work.
const LIMITS: RunLimits = RunLimits { max_facts: 500, max_iterations: 50, max_time: Duration::from_secs(1) };

/// Decisions that are remembered: each takes longer than looking up a row.
const REMEMBERED: usize = 10_000;

/// The policies do not parse: a mistake in `rights.datalog`, which a test rules out.
#[derive(Debug, thiserror::Error)]
#[error("the policies in rights.datalog do not parse")]
pub struct InvalidPolicies(#[from] error::Token);

/// The policies, parsed once.
#[derive(Clone)]
pub(crate) struct Policies(AuthorizerBuilder);

impl Policies {
    pub(crate) fn parse() -> Result<Self, InvalidPolicies> {
        Ok(Self(AuthorizerBuilder::new().code(POLICIES)?.set_limits(LIMITS)))
    }

    /// What a token says, without a question.
    pub(crate) fn reading(&self, token: &Biscuit) -> Result<Authorizer, error::Token> {
        self.0.clone().build(token)
    }

    fn asked(&self, operation: Operation) -> Result<AuthorizerBuilder, error::Token> {
        self.0.clone().fact(fact("operation", operation.name()))
    }
}

fn fact(name: &str, text: &str) -> Fact {
    builder::fact(name, &[string(text)])
}

fn decide(mut authorizer: Authorizer) -> Result<bool, error::Token> {
    match authorizer.authorize() {
        Ok(_) => Ok(true),
        Err(error::Token::FailedLogic(_) | error::Token::Execution(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A fact about a holder, as a value: a text is never read as Datalog. Without a text, it is true.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Stated(&'static str, Option<String>);

impl Stated {
    pub(crate) fn text(name: &'static str, text: &impl ToString) -> Self {
        Self(name, Some(text.to_string()))
    }

    pub(crate) fn flag(name: &'static str) -> Self {
        Self(name, None)
    }
}

impl From<&Stated> for Fact {
    fn from(stated: &Stated) -> Self {
        match stated {
            Stated(name, Some(text)) => fact(name, text),
            Stated(name, None) => builder::fact(name, &[boolean(true)]),
        }
    }
}

/// What the policies are told of somebody who signed in.
pub(crate) fn stated_by(claims: &Claims) -> Vec<Stated> {
    let mut stated = vec![
        Stated::text("user", &claims.account_id),
        Stated::text("session", &claims.session_id),
        Stated::text("user_type", &claims.account_type.name()),
    ];
    stated.extend(claims.is_staff.then(|| Stated::flag("staff_flag")));
    stated.extend(claims.is_superuser.then(|| Stated::flag("superuser_flag")));
    stated.extend(claims.groups.iter().map(|it| Stated::text("group", it)));
    stated
}

/// Decides for credentials that are no Biscuits: nobody can narrow them, so the facts decide alone.
pub(crate) struct Decisions {
    policies: Policies,
    made: Cache<(Arc<[Stated]>, Operation), bool>,
}

impl Decisions {
    pub(crate) fn by(policies: Policies) -> Arc<Self> {
        Arc::new(Self { policies, made: Cache::new(REMEMBERED) })
    }

    fn make(&self, facts: &[Stated], operation: Operation) -> Result<bool, error::Token> {
        let asked = facts.iter().try_fold(self.policies.asked(operation)?, AuthorizerBuilder::fact)?;
        decide(asked.build_unauthenticated()?)
    }
}

/// The rights of whoever these facts are about.
pub(crate) struct StatedRights {
    pub(crate) facts: Arc<[Stated]>,
    pub(crate) decisions: Arc<Decisions>,
}

impl Rights for StatedRights {
    fn allow(&self, operation: Operation) -> Result<bool, BoxError> {
        let question = (self.facts.clone(), operation);
        if let Some(decision) = self.decisions.made.get(&question) {
            return Ok(decision);
        }
        let decision = self.decisions.make(&self.facts, operation)?;
        self.decisions.made.insert(question, decision);
        Ok(decision)
    }
}

/// A Biscuit whose signature holds, with the decisions made for it so far.
pub(crate) struct ReadToken {
    pub(crate) biscuit: Biscuit,
    pub(crate) policies: Policies,
    /// Decisions for a token that nobody narrowed depend on the operation alone. There are as
    /// many as there are operations, and they go when the token does.
    pub(crate) decided: Mutex<HashMap<Operation, bool>>,
}

impl ReadToken {
    fn narrowed(&self) -> bool {
        self.biscuit.block_count() > 1
    }

    fn decide(&self, operation: Operation, request: &RequestFacts, now: DateTime<Utc>) -> Result<bool, error::Token> {
        let asked = self
            .policies
            .asked(operation)?
            .fact(fact("method", &request.method))?
            .fact(fact("path", &request.path))?
            .fact(builder::fact("time", &[date(&SystemTime::from(now))]))?;
        decide(asked.build(&self.biscuit)?)
    }
}

/// The rights of a Biscuit in one request.
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
