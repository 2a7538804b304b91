//! Who answers when one context asks another: the facade in this process, or the process that serves it.

use std::sync::Arc;

use async_trait::async_trait;
use cache_adapter::ViewCache;
use contexts_adapter::{DistributionCenters, TransportRoutes, UserDrivers, UserStaff};
use distribution_application::{CenterUsage, Distribution, StaffDirectory};
use kernel_application::KeyedHash;
use kernel_domain::StoreError;
use remote_adapter::{
    KnownKeys, Peer, Questions, RemoteCenterUsage, RemoteCenters, RemoteDrivers, RemoteStaff, own_key,
};
use shipping_application::{CenterDirectory, DriverDirectory, ShippingQueries};
use user_application::Users;

use super::{Probes, StartupError};
use crate::config::{Context, ServedContexts};
use crate::probes::PeerProbe;

/// The processes that serve what this one asks and does not serve.
pub(super) struct Peers {
    user: Option<Arc<Peer>>,
    distribution: Option<Arc<Peer>>,
    shipping: Option<Arc<Peer>>,
}

impl Peers {
    pub(super) fn of(
        contexts: &ServedContexts,
        hash: &dyn KeyedHash,
        probes: &mut Probes,
    ) -> Result<Self, StartupError> {
        let mut peer = |context: Context| -> Result<Option<Arc<Peer>>, StartupError> {
            let Some(url) = contexts.peer(context) else { return Ok(None) };
            let peer = Peer::at(url.clone(), &own_key(hash), telemetry_adapter::current);
            let peer = Arc::new(peer.map_err(|error| StartupError::Other(error.into()))?);
            probes.push((context.name(), Arc::new(PeerProbe { peer: peer.clone(), context: context.name() })));
            Ok(Some(peer))
        };
        Ok(Self {
            user: peer(Context::User)?,
            distribution: peer(Context::Distribution)?,
            shipping: peer(Context::Shipping)?,
        })
    }

    pub(super) fn staff(&self, users: &Arc<Users>) -> Arc<dyn StaffDirectory> {
        match &self.user {
            Some(peer) => Arc::new(RemoteStaff(peer.clone())),
            None => Arc::new(UserStaff(users.clone())),
        }
    }

    pub(super) fn drivers(&self, users: &Arc<Users>) -> Arc<dyn DriverDirectory> {
        match &self.user {
            Some(peer) => Arc::new(RemoteDrivers(peer.clone())),
            None => Arc::new(UserDrivers(users.clone())),
        }
    }

    pub(super) fn centers(&self, distribution: &Arc<Distribution>, views: &ViewCache) -> Arc<dyn CenterDirectory> {
        match &self.distribution {
            Some(peer) => Arc::new(RemoteCenters(peer.clone())),
            None => views.center_directory(Arc::new(DistributionCenters(distribution.clone()))),
        }
    }

    pub(super) fn usage(&self, queries: Arc<dyn ShippingQueries>) -> Arc<dyn CenterUsage> {
        match &self.shipping {
            Some(peer) => Arc::new(RemoteCenterUsage(peer.clone())),
            None => Arc::new(TransportRoutes(queries)),
        }
    }
}

/// Answers processes that serve other contexts, if there are any, what those need that are served here.
pub(super) fn questions(
    contexts: &ServedContexts,
    hash: &dyn KeyedHash,
    users: &Arc<Users>,
    distribution: &Arc<Distribution>,
    queries: Arc<dyn ShippingQueries>,
) -> Option<Arc<dyn http_adapter::Questions>> {
    if !contexts.are_apart {
        return None;
    }
    let (has_user, has_distribution) = (contexts.has(Context::User), contexts.has(Context::Distribution));
    let questions = Questions {
        contexts: contexts.names(),
        staff: has_user.then(|| Arc::new(UserStaff(users.clone())) as Arc<dyn StaffDirectory>),
        drivers: has_user.then(|| Arc::new(UserDrivers(users.clone())) as Arc<dyn DriverDirectory>),
        centers: has_distribution
            .then(|| Arc::new(DistributionCenters(distribution.clone())) as Arc<dyn CenterDirectory>),
        usage: contexts.has(Context::Shipping).then(|| Arc::new(TransportRoutes(queries)) as Arc<dyn CenterUsage>),
    };
    Some(Arc::new(Answering { keys: KnownKeys::of(hash), questions }))
}

struct Answering {
    keys: KnownKeys,
    questions: Questions,
}

#[async_trait]
impl http_adapter::Questions for Answering {
    fn admits(&self, key: &str) -> bool {
        self.keys.has(key)
    }

    async fn answer(&self, question: &str, asked: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.questions.answer(question, asked).await
    }
}
