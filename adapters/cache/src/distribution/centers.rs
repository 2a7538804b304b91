//! Centers, which every transport shows two of, and which hardly ever change.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use distribution_application::{CenterFilter, CenterSummary, DistributionQueries};
use distribution_domain::{CenterCode, CenterId, StaffId};
use kernel_application::{Page, PageRequest};
use kernel_domain::StoreError;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ViewCache;
use crate::views::View;

/// How long a center is kept if nothing changes.
const LIFETIME: Duration = Duration::from_hours(30 * 24);

/// Keeps centers with the ids of those who work there. Who these people are is not kept here: the user context knows,
/// whose profiles are evicted when they change.
pub(super) struct CachedCenters {
    pub(super) inner: Arc<dyn DistributionQueries>,
    pub(super) views: ViewCache,
}

#[async_trait]
impl DistributionQueries for CachedCenters {
    async fn center(&self, id: CenterId) -> Result<Option<CenterSummary>, StoreError> {
        let inner = self.inner.clone();
        // One at a time: nobody asks for more.
        let load = move |ids: Vec<CenterId>| {
            let inner = inner.clone();
            async move {
                let mut found = Vec::with_capacity(ids.len());
                for id in ids {
                    found.extend(inner.center(id).await?.map(ById));
                }
                Ok(found)
            }
        };
        Ok(self.views.read(&[id], load).await?.pop().map(|ById(center)| center))
    }

    async fn centers_coded(&self, codes: &[CenterCode]) -> Result<Vec<CenterSummary>, StoreError> {
        let inner = self.inner.clone();
        let load = move |codes: Vec<CenterCode>| {
            let inner = inner.clone();
            async move { Ok(inner.centers_coded(&codes).await?.into_iter().map(ByCode).collect()) }
        };
        Ok(self.views.read(codes, load).await?.into_iter().map(|ByCode(center)| center).collect())
    }

    async fn open_among(&self, codes: &[CenterCode]) -> Result<Vec<CenterCode>, StoreError> {
        self.inner.open_among(codes).await
    }

    async fn centers(
        &self,
        filter: &CenterFilter,
        page: PageRequest,
    ) -> Result<Option<Page<CenterSummary>>, StoreError> {
        self.inner.centers(filter, page).await
    }
}

/// A center, found by its code.
#[derive(Clone)]
pub(super) struct ByCode(pub(super) CenterSummary);

/// A center, found by its id.
#[derive(Clone)]
pub(super) struct ById(pub(super) CenterSummary);

impl View for ByCode {
    const KIND: &'static str = "distribution:center-by-code:1";
    const LIFETIME: Duration = LIFETIME;
    type Id = CenterCode;
    type Kept = KeptCenter;

    fn id(&self) -> CenterCode {
        self.0.code.clone()
    }

    fn kept(&self) -> KeptCenter {
        KeptCenter::of(&self.0)
    }

    fn restored(kept: KeptCenter) -> Option<Self> {
        kept.restored().map(Self)
    }
}

impl View for ById {
    const KIND: &'static str = "distribution:center-by-id:1";
    const LIFETIME: Duration = LIFETIME;
    type Id = CenterId;
    type Kept = KeptCenter;

    fn id(&self) -> CenterId {
        self.0.id
    }

    fn kept(&self) -> KeptCenter {
        KeptCenter::of(&self.0)
    }

    fn restored(kept: KeptCenter) -> Option<Self> {
        kept.restored().map(Self)
    }
}

/// The form in which a center is kept. A change of it is a change of both [`KIND`](View::KIND)s.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeptCenter {
    id: String,
    code: String,
    name: String,
    staff: Vec<String>,
}

impl KeptCenter {
    fn of(center: &CenterSummary) -> Self {
        Self {
            id: center.id.as_uuid().to_string(),
            code: center.code.as_str().to_owned(),
            name: center.name.clone(),
            staff: center.staff.iter().map(|it| it.as_uuid().to_string()).collect(),
        }
    }

    fn restored(self) -> Option<CenterSummary> {
        let Self { id, code, name, staff } = self;
        let staff = staff.iter().map(|it| Uuid::parse_str(it).map(StaffId::new));
        Some(CenterSummary {
            id: CenterId::new(Uuid::parse_str(&id).ok()?),
            code: CenterCode::parse(&code).ok()?,
            name,
            staff: staff.collect::<Result<_, _>>().ok()?,
        })
    }
}
