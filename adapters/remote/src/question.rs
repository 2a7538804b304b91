//! What is asked, and who answers it on the other side.

use std::sync::Arc;

use async_trait::async_trait;
use distribution_application::{CenterUsage, StaffDirectory};
use kernel_domain::StoreError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shipping_application::{CenterDirectory, DriverDirectory};

use crate::distribution::{FindStaff, IsCenterUsed};
use crate::shipping::{FindCenters, FindDrivers, OpenCenters};

/// One call of a port, in the form in which it travels. Another form has another name, so that no release reads what it does
/// not understand.
#[async_trait]
pub(crate) trait Question: Serialize + DeserializeOwned + Send + Sync {
    /// What it is called on the way.
    const NAME: &'static str;
    /// The answer, in the form in which it travels.
    type Answer: Serialize + DeserializeOwned;
    /// The port that it is a call of.
    type Port: ?Sized + Send + Sync;

    async fn answered_by(self, port: &Self::Port) -> Result<Self::Answer, StoreError>;
}

/// What a process answers others: the ports that need the contexts that it serves.
#[derive(Default)]
pub struct Questions {
    /// The contexts that are served here.
    pub contexts: Vec<&'static str>,
    /// What distribution asks of user.
    pub staff: Option<Arc<dyn StaffDirectory>>,
    /// What shipping asks of user.
    pub drivers: Option<Arc<dyn DriverDirectory>>,
    /// What shipping asks of distribution.
    pub centers: Option<Arc<dyn CenterDirectory>>,
    /// What distribution asks of whoever relies on its centers.
    pub usage: Option<Arc<dyn CenterUsage>>,
}

impl Questions {
    /// The answer, as it travels. `None` if nobody here answers such a question, or it makes no sense here.
    pub async fn answer(&self, name: &str, asked: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match name {
            WhatIsServed::NAME => answered::<WhatIsServed>(asked, Some(&self.contexts)).await,
            FindStaff::NAME => answered::<FindStaff>(asked, self.staff.as_deref()).await,
            FindDrivers::NAME => answered::<FindDrivers>(asked, self.drivers.as_deref()).await,
            FindCenters::NAME => answered::<FindCenters>(asked, self.centers.as_deref()).await,
            OpenCenters::NAME => answered::<OpenCenters>(asked, self.centers.as_deref()).await,
            IsCenterUsed::NAME => answered::<IsCenterUsed>(asked, self.usage.as_deref()).await,
            _ => Ok(None),
        }
    }
}

async fn answered<Q: Question>(asked: &[u8], port: Option<&Q::Port>) -> Result<Option<Vec<u8>>, StoreError> {
    let (Some(port), Ok(question)) = (port, serde_json::from_slice::<Q>(asked)) else { return Ok(None) };
    let answer = question.answered_by(port).await?;
    serde_json::to_vec(&answer).map(Some).map_err(|error| StoreError::corrupt(Q::NAME, error))
}

/// Which contexts a process serves: whoever relies on it looks whether it is the right one.
#[derive(Serialize, Deserialize)]
pub(crate) struct WhatIsServed {}

#[async_trait]
impl Question for WhatIsServed {
    const NAME: &'static str = "contexts-1";
    type Answer = Vec<String>;
    type Port = Vec<&'static str>;

    async fn answered_by(self, served: &Vec<&'static str>) -> Result<Vec<String>, StoreError> {
        Ok(served.iter().map(|it| (*it).to_owned()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_answers_for_a_context_that_is_not_served_here() {
        let questions = Questions { contexts: vec!["auth", "user"], ..Questions::default() };

        let served = questions.answer(WhatIsServed::NAME, b"{}").await.ok().flatten();
        assert_eq!(served.as_deref(), Some(&br#"["auth","user"]"#[..]));
        for (name, asked) in [
            (FindDrivers::NAME, r#"{"drivers":[]}"#),
            (FindStaff::NAME, r#"{"staff":[]}"#),
            (IsCenterUsed::NAME, r#"{"center":"ABC001"}"#),
            (WhatIsServed::NAME, "what?"),
            ("weather-1", "{}"),
        ] {
            assert!(matches!(questions.answer(name, asked.as_bytes()).await, Ok(None)), "{name}");
        }
    }
}
