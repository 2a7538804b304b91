//! What is asked, and how much of the floor's throughput is to be left.

/// What a question is asked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Credential {
    AccessToken,
    ApiKey,
}

/// What is asked again and again. In path and body, `{number}` stands for any tracking number, `{transport}` for any
/// transport, `{batch}` for any open batch, and `{loose}` for an item that nobody named before.
pub(super) struct Question {
    pub(super) name: &'static str,
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// Nothing, or JSON.
    pub(super) body: &'static str,
    pub(super) credential: Credential,
    /// Where the floor does the least of it, if it does not do the same.
    pub(super) floor_path: Option<&'static str>,
    /// The least that the ratio should be.
    pub(super) aim: f64,
}

pub(super) const PROFILE: &str = "/api/v1/user/users/self/profile/";
pub(super) const SIGN_IN: &str = "/api/v1/auth/signin/";
pub(super) const ITEMS: &str = "/api/v1/shipping/shippingitems/";
const ITEM: &str = "/api/v1/shipping/shippingitems/{number}/";

pub(super) const QUESTIONS: [Question; 10] = [
    Question { path: ITEM, ..Question::named("item detail", 0.8) },
    Question { path: ITEM, credential: Credential::ApiKey, ..Question::named("detail, key", 0.7) },
    Question { path: "/api/v1/shipping/shippingitems/?page_size=10", ..Question::named("10 items", 0.8) },
    Question { path: "/api/v1/shipping/shippingitems/?page_size=100", ..Question::named("100 items", 0.8) },
    Question { path: "/api/v1/shipping/transports/{transport}/", ..Question::named("transport", 0.75) },
    // The floor answers these bytes without asking anybody.
    Question {
        path: "/api/v1/distribution/centers/",
        floor_path: Some("/static"),
        ..Question::named("center list", 0.5)
    },
    Question { path: PROFILE, floor_path: Some("/static"), ..Question::named("profile", 0.5) },
    // The floor hashes a password, and answers that it has.
    Question {
        method: "POST",
        path: SIGN_IN,
        body: r#"{"phonenumber":"+821012345678","password":"correct horse battery staple"}"#,
        floor_path: Some("/argon2id"),
        ..Question::named("sign in", 0.9)
    },
    // Last, for they make the lists longer.
    Question { method: "POST", path: ITEMS, body: r#"{"sku":"TEA-250G"}"#, ..Question::named("item create", 0.85) },
    Question {
        method: "POST",
        path: "/api/v1/shipping/batches/{batch}/add/",
        body: r#"{"tracking_number":"{loose}"}"#,
        ..Question::named("batch add", 0.85)
    },
];

/// The question with this name.
pub(super) fn by_name(name: &str) -> Result<&'static Question, String> {
    let names = || QUESTIONS.map(|it| format!("'{}'", it.name)).join(", ");
    QUESTIONS.iter().find(|it| it.name == name).ok_or_else(|| format!("there are {}", names()))
}

impl Question {
    /// A question for what is at some path, by somebody who is signed in.
    const fn named(name: &'static str, aim: f64) -> Self {
        Self { name, method: "GET", path: "", body: "", credential: Credential::AccessToken, floor_path: None, aim }
    }

    /// Whether each answer takes an item that is in no batch yet.
    pub(super) fn takes_loose_items(&self) -> bool {
        self.body.contains("{loose}")
    }

    /// Path and body for one item, and what goes with it: as `seed.sql` and `loose.sql` make them.
    pub(super) fn about(&self, item: u32, items: u32, loose: u32) -> (String, String) {
        let arrived = items / 50 * 4;
        let open = arrived + item % (items.div_ceil(10) - arrived);
        let filled = |text: &str| {
            let text = text.replace("{number}", &format!("20260101-{item:010}"));
            let text = text.replace("{transport}", &seeded_id(item % (items / 100)));
            let text = text.replace("{batch}", &format!("20260101-{open:a>10}"));
            text.replace("{loose}", &format!("20251201-{loose:010}"))
        };
        (filled(self.path), filled(self.body))
    }
}

/// The id of the transport, the center or the person with this number, counted from 0.
pub(super) fn seeded_id(number: u32) -> String {
    let time = 1_767_225_600_000 + u64::from(number) * 1000;
    format!("{:08x}-{:04x}-7000-8000-{number:012x}", time >> 16, time & 0xffff)
}

#[cfg(test)]
mod tests {
    use super::{QUESTIONS, seeded_id};

    #[test]
    fn questions_name_what_the_seed_makes() {
        assert_eq!(seeded_id(0), "019b76da-a800-7000-8000-000000000000");

        let add = QUESTIONS.iter().find(|it| it.takes_loose_items()).expect("one takes loose items");
        let (path, body) = add.about(3, 1000, 7);
        assert_eq!(path, "/api/v1/shipping/batches/20260101-aaaaaaaa83/add/");
        assert_eq!(body, r#"{"tracking_number":"20251201-0000000007"}"#);
    }
}
