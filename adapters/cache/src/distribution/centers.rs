//! Centers, which every transport shows two of, and the beginning of their list. They hardly ever change.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use distribution_application::{CenterFilter, CenterSummary, DistributionQueries};
use distribution_domain::{CenterCode, CenterId, StaffId};
use kernel_application::{Page, PageNumber, PageRequest};
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
        let is_first = page.start() == PageRequest::default().start();
        if !is_first || *filter != CenterFilter::default() {
            return self.inner.centers(filter, page).await;
        }
        let inner = self.inner.clone();
        let load = move |_| {
            let inner = inner.clone();
            async move {
                let newest = inner.centers(&CenterFilter::default(), NewestCenters::page()).await?;
                Ok(newest.and_then(NewestCenters::of).into_iter().collect())
            }
        };
        Ok(self.views.read(&[Everybody], load).await?.pop().map(|it: NewestCenters| it.cut(page.size())))
    }
}

/// The centers at the beginning of the list that is neither filtered nor begun elsewhere: as many as a page may have,
/// so that one view has the first page of every size.
#[derive(Clone)]
pub(super) struct NewestCenters {
    centers: Arc<[CenterSummary]>,
    count: u64,
}

/// Finds what is the same for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Everybody;

impl fmt::Display for Everybody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("all")
    }
}

impl NewestCenters {
    /// The first page, as large as can be.
    fn page() -> PageRequest {
        let largest = PageRequest::new(PageNumber::Number(1), PageRequest::MAX_SIZE);
        largest.unwrap_or_default()
    }

    /// What is on that page.
    pub(super) fn of(page: Page<CenterSummary>) -> Option<Self> {
        let count = page.count()?;
        Some(Self { centers: page.entries.into(), count })
    }

    /// The first page of this size.
    pub(super) fn cut(&self, size: u32) -> Page<CenterSummary> {
        let shown = usize::try_from(size).unwrap_or(usize::MAX);
        Page::numbered(self.centers.iter().take(shown).cloned().collect(), 1, self.count, size)
    }
}

impl View for NewestCenters {
    const KIND: &'static str = "distribution:newest-centers:1";
    const LIFETIME: Duration = LIFETIME;
    type Id = Everybody;
    type Kept = KeptCenters;

    fn id(&self) -> Everybody {
        Everybody
    }

    fn kept(&self) -> KeptCenters {
        KeptCenters { count: self.count, centers: self.centers.iter().map(KeptCenter::of).collect() }
    }

    fn restored(kept: KeptCenters) -> Option<Self> {
        let centers = kept.centers.into_iter().map(KeptCenter::restored).collect::<Option<_>>()?;
        Some(Self { centers, count: kept.count })
    }
}

/// The form in which the beginning of the list is kept. A change of it is a change of its [`KIND`](View::KIND).
#[derive(Serialize, Deserialize)]
pub(crate) struct KeptCenters {
    count: u64,
    centers: Vec<KeptCenter>,
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

/// The form in which a center is kept. A change of it is a change of every [`KIND`](View::KIND).
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
