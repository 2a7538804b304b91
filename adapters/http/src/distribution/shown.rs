//! The beginning of the list of centers, as text: everybody gets the same, and it hardly ever changes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::center::CenterBody;
use crate::json::Written;
use crate::page::{Here, PageBody};

/// How long a text is shown again, from before it was looked up. What it was made of is itself no older than three quarters
/// of a second, so that what was changed elsewhere is seen within a second.
const LIFETIME: Duration = Duration::from_millis(250);

/// Texts that are kept: one for each way to ask.
const TEXTS_AT_MOST: usize = 16;

/// Bytes of the longest text that is kept. A thousand people can work in a center.
const BYTES_AT_MOST: usize = 512 * 1024;

/// Texts of pages, by the URL that was asked for: links, and where pictures are, depend on it.
#[derive(Default)]
pub(super) struct ShownPages(Mutex<HashMap<Here, ShownPage>>);

struct ShownPage {
    text: Written<PageBody<CenterBody>>,
    /// What was known of changes before somebody looked.
    mark: u64,
    until: Instant,
}

impl ShownPages {
    /// The text of this page, if nothing has changed since.
    pub(super) fn find(&self, here: &Here, mark: u64) -> Option<Written<PageBody<CenterBody>>> {
        let pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let page = pages.get(here).filter(|it| it.mark == mark && Instant::now() < it.until)?;
        Some(page.text.clone())
    }

    /// Keeps the text of a page, looked up after `mark` was taken and `asked` had come. If looking it up took too long,
    /// nothing is kept: what it tells may be as old as that.
    pub(super) fn keep(&self, here: Here, mark: u64, asked: Instant, text: Written<PageBody<CenterBody>>) {
        let (now, until) = (Instant::now(), asked + LIFETIME);
        if text.len() > BYTES_AT_MOST || until <= now {
            return;
        }
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pages.len() >= TEXTS_AT_MOST {
            pages.retain(|_, it| it.mark == mark && now < it.until);
        }
        if pages.len() < TEXTS_AT_MOST {
            pages.insert(here, ShownPage { text, mark, until });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel_application::Page;
    use poem_openapi::types::Example;

    fn a_text() -> Written<PageBody<CenterBody>> {
        let page = Page::numbered(vec![CenterBody::example()], 1, 1, 10);
        Written::of(&PageBody::at(&Here::default(), page)).expect("a text")
    }

    fn at(query: &str) -> Here {
        Here::at("http://localhost/centers/", query)
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_is_shown_again_until_something_changes_or_a_moment_has_passed() {
        let shown = ShownPages::default();
        shown.keep(at(""), 7, Instant::now(), a_text());

        assert!(shown.find(&at(""), 7).is_some());
        assert!(shown.find(&at(""), 8).is_none(), "something has changed");
        assert!(shown.find(&at("page_size=20"), 7).is_none(), "another page");
        assert!(shown.find(&Here::at("http://elsewhere/centers/", ""), 7).is_none(), "other links");
        tokio::time::advance(LIFETIME).await;
        assert!(shown.find(&at(""), 7).is_none(), "somebody else may have changed something");
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_that_looking_up_took_counts() {
        let shown = ShownPages::default();
        let asked = Instant::now();

        tokio::time::advance(LIFETIME / 2).await;
        shown.keep(at(""), 7, asked, a_text());
        assert!(shown.find(&at(""), 7).is_some());
        tokio::time::advance(LIFETIME / 2).await;
        assert!(shown.find(&at(""), 7).is_none(), "it is as old as the question");

        shown.keep(at(""), 7, asked, a_text());
        assert!(shown.find(&at(""), 7).is_none(), "it was too old when it came");
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_texts_are_kept_than_fit() {
        let shown = ShownPages::default();
        for number in 0..=TEXTS_AT_MOST {
            shown.keep(at(&format!("x={number}")), 7, Instant::now(), a_text());
        }

        assert!(shown.find(&at("x=0"), 7).is_some());
        assert!(shown.find(&at(&format!("x={TEXTS_AT_MOST}")), 7).is_none());
        shown.keep(at("x=new"), 8, Instant::now(), a_text());
        assert!(shown.find(&at("x=new"), 8).is_some(), "those that are over make room");
    }
}
