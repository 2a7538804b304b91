//! What a holder may add to a Biscuit: checks that cost next to nothing.
//!
//! Whoever is signed in can add blocks, and the library looks at its limits only between two rounds of Datalog: one rule over
//! ten facts can keep a core busy for minutes. So blocks may bring neither rules nor checks that try out many combinations,
//! loop, or search by regular expression.

use biscuit_auth::Authorizer;
use biscuit_auth::builder::{Binary, Check, Fact, Op, Rule};

/// Combinations of facts that all checks of a token may try together: far more than a request takes,
/// which states each thing once, and the groups of one user.
const MAX_COMBINATIONS: usize = 1000;

/// What each request states beside the token.
const ASKED: [&str; 4] = ["operation", "method", "path", "time"];

/// Whether what the token's blocks say is decided quickly.
pub(crate) fn is_cheap(read: &Authorizer) -> bool {
    let (facts, rules, checks, _) = read.dump();
    let combinations = checks.iter().flat_map(|it| &it.queries).map(|it| combinations(it, &facts));
    let all = combinations.fold(0, usize::saturating_add);
    rules.is_empty() && all <= MAX_COMBINATIONS && checks.iter().all(is_straight)
}

fn combinations(query: &Rule, facts: &[Fact]) -> usize {
    let stated = |name: &str| {
        let asked = usize::from(ASKED.contains(&name));
        facts.iter().filter(|it| it.predicate.name == name).count() + asked
    };
    query.body.iter().map(|it| stated(&it.name).max(1)).fold(1, usize::saturating_mul)
}

fn is_straight(check: &Check) -> bool {
    check.queries.iter().flat_map(|it| &it.expressions).flat_map(|it| &it.ops).all(takes_one_step)
}

/// `&&` and `||` are closures without parameters; any other is called for each element of something.
fn takes_one_step(op: &Op) -> bool {
    match op {
        Op::Value(_) | Op::Unary(_) => true,
        Op::Binary(binary) => *binary != Binary::Regex,
        Op::Closure(parameters, ops) => parameters.is_empty() && ops.iter().all(takes_one_step),
    }
}
