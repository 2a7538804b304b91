//! Which contexts this process serves, and where those are that it asks and does not serve.

use std::collections::{BTreeMap, BTreeSet};

use remote_adapter::PeerUrl;

use super::reader::Reader;

/// A bounded context that can be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Context {
    /// Who somebody is.
    Auth,
    /// Who there is.
    User,
    /// Where transports can go.
    Distribution,
    /// What travels.
    Shipping,
}

impl Context {
    const ALL: [Self; 4] = [Self::Auth, Self::User, Self::Distribution, Self::Shipping];

    /// What it is called in paths, and by whoever names what to serve.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::User => "user",
            Self::Distribution => "distribution",
            Self::Shipping => "shipping",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// The contexts that it asks. Auth is not among those who ask: it is served with user, or not at all.
    fn asks(self) -> &'static [Self] {
        match self {
            Self::Auth | Self::User => &[],
            Self::Distribution => &[Self::User, Self::Shipping],
            Self::Shipping => &[Self::User, Self::Distribution],
        }
    }

    /// The variable that says where it is.
    fn variable(self) -> &'static str {
        match self {
            Self::Auth => "AUTH_URL",
            Self::User => "USER_URL",
            Self::Distribution => "DISTRIBUTION_URL",
            Self::Shipping => "SHIPPING_URL",
        }
    }
}

/// The contexts that this process serves.
#[derive(Debug, Clone)]
pub struct ServedContexts {
    served: BTreeSet<Context>,
    /// Whether somebody named them: then other processes serve others, and ask this one.
    pub are_apart: bool,
    /// Where those are that are asked and not served.
    peers: BTreeMap<Context, PeerUrl>,
}

impl ServedContexts {
    fn together() -> Self {
        Self { served: Context::ALL.into(), are_apart: false, peers: BTreeMap::new() }
    }

    /// Whether this one is served here.
    pub fn has(&self, context: Context) -> bool {
        self.served.contains(&context)
    }

    /// The names of those that are served here.
    pub fn names(&self) -> Vec<&'static str> {
        self.served.iter().map(|it| it.name()).collect()
    }

    /// Where this one is asked; nothing if it is served here, or asked by none that is.
    pub fn peer(&self, context: Context) -> Option<&PeerUrl> {
        self.peers.get(&context)
    }

    /// The variables of those that are reached through a network that anybody on it can read.
    pub(crate) fn in_clear(&self) -> impl Iterator<Item = &'static str> {
        self.peers.iter().filter(|(_, url)| url.is_in_clear()).map(|(context, _)| context.variable())
    }
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    pub(super) fn contexts(&mut self) -> ServedContexts {
        let Some(raw) = self.raw("CONTEXTS") else { return ServedContexts::together() };
        let named: Option<BTreeSet<_>> = raw.split(',').map(|it| Context::named(it.trim())).collect();
        let Some(served) = named else {
            self.fault("CONTEXTS", "some of auth, user, distribution and shipping, by comma");
            return ServedContexts::together();
        };
        if served.contains(&Context::Auth) && !served.contains(&Context::User) {
            self.fault("CONTEXTS", "with user where auth is: what somebody who signs up becomes in both is one change");
        }
        let asked = served.iter().flat_map(|it| it.asks().iter().copied());
        let missing: BTreeSet<_> = asked.filter(|it| !served.contains(it)).collect();
        let peers = missing.into_iter().filter_map(|it| Some((it, self.peer(it)?))).collect();
        ServedContexts { served, are_apart: true, peers }
    }

    fn peer(&mut self, context: Context) -> Option<PeerUrl> {
        let variable = context.variable();
        match self.raw(variable).map(|it| PeerUrl::parse(it.trim())) {
            Some(Ok(url)) => return Some(url),
            Some(Err(error)) => self.fault(variable, &error.to_string()),
            None => self.fault(variable, &format!("set: a context of CONTEXTS asks {}", context.name())),
        }
        None
    }
}
