//! Looking centers up: one, a page, or those with some codes.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use distribution_domain::{CenterCode, CenterId};
use kernel_application::{Actor, Denied, Page, PageRequest};
use kernel_domain::StoreError;

use crate::{CenterFilter, CenterSummary, CenterView, Distribution, MANAGE, READ};

/// Why nothing was found.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum FindCenterError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("there is no center {0}")]
    UnknownCenter(CenterId),
    #[error("the list has no such page")]
    PastTheEnd,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Distribution {
    /// The center with this id.
    pub async fn center(&self, actor: &Actor, id: CenterId) -> Result<CenterView, FindCenterError> {
        actor.require(MANAGE)?;
        let center = self.queries.center(id).await?.ok_or(FindCenterError::UnknownCenter(id))?;
        Ok(self.with_staff_of_one(center).await?)
    }

    /// A page of centers.
    pub async fn centers(
        &self,
        actor: &Actor,
        filter: &CenterFilter,
        page: PageRequest,
    ) -> Result<Page<CenterView>, FindCenterError> {
        actor.require(READ)?;
        let found = self.queries.centers(filter, page).await?.ok_or(FindCenterError::PastTheEnd)?;
        let (summaries, page) = found.taken();
        Ok(page.with(self.with_staff(summaries).await?))
    }

    /// The centers with these codes, for other contexts: they have asked for their own caller's rights.
    pub async fn centers_coded(&self, codes: &[CenterCode]) -> Result<Vec<CenterView>, StoreError> {
        self.with_staff(self.queries.centers_coded(codes).await?).await
    }

    /// Those of these codes where somebody may plan to go, at this very moment, for other contexts.
    ///
    /// Whoever asks after they wrote their plan down, and before they keep it, and is told that a center is open, is seen by
    /// whoever closes it.
    pub async fn open_among(&self, codes: &[CenterCode]) -> Result<Vec<CenterCode>, StoreError> {
        self.queries.open_among(codes).await
    }

    /// Adds to each center the people who work there: one question for all of them.
    async fn with_staff(&self, centers: Vec<CenterSummary>) -> Result<Vec<CenterView>, StoreError> {
        let staff: BTreeSet<_> = centers.iter().flat_map(|it| it.staff.iter().copied()).collect();
        let staff: Vec<_> = staff.into_iter().collect();
        let staff: HashMap<_, _> = match &staff[..] {
            [] => HashMap::new(),
            some => self.staff.find(some).await?.into_iter().map(|it| (it.id, Arc::new(it))).collect(),
        };
        let view = |center: CenterSummary| CenterView {
            id: center.id,
            code: center.code,
            name: center.name,
            staff: center.staff.iter().filter_map(|it| staff.get(it).cloned()).collect(),
        };
        Ok(centers.into_iter().map(view).collect())
    }

    pub(crate) async fn with_staff_of_one(&self, center: CenterSummary) -> Result<CenterView, StoreError> {
        let id = center.id;
        let view = self.with_staff(vec![center]).await?.pop();
        view.ok_or_else(|| StoreError::corrupt("center", format!("center {id} got lost")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;
    use distribution_domain::testing::{a_center, a_staff_member};
    use kernel_application::testing::{an_actor_who, anyone};

    #[tokio::test]
    async fn a_page_of_centers_asks_for_its_people_once_and_leaves_out_who_is_no_more() {
        let (ann, gone) = (a_staff_member(), a_staff_member());
        let center = a_center().staffed_by(&[gone, ann]).build();
        let summary = CenterSummary::of(&center);
        let mut world = World { unknown_staff: vec![gone], staff_calls: 1, ..World::default() };
        world.queries.expect_centers().returning(move |_, page| {
            let entries = vec![summary.clone(), summary.clone()];
            Ok(Some(Page::numbered(entries, 1, 2, page.size())))
        });
        let (distribution, _) = world.commits();

        let page =
            distribution.centers(&anyone(), &CenterFilter::default(), PageRequest::default()).await.expect("a page");

        assert_eq!(page.entries.len(), 2);
        assert!(page.entries.iter().all(|it| it.staff.iter().map(|it| it.id).eq([ann])));
    }

    #[tokio::test]
    async fn who_may_only_read_sees_the_list_but_no_single_center() {
        let (distribution, _) = World::default().commits();
        let reader = an_actor_who(|operation| operation == READ);

        let refusal = distribution.center(&reader, a_center().build().id()).await;

        assert!(matches!(refusal, Err(FindCenterError::Denied(Denied::Forbidden(MANAGE)))));
    }
}
