//! Everything that the API says to people, in every language it speaks.
//!
//! A message is a variant here and a line in each of `en.ftl` and `ko.ftl`, named after the variant. The
//! compiler refuses text that is no message; the tests below refuse a line too few, too many, or with
//! other arguments.

mod language;

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

pub(crate) use language::Language;

macro_rules! messages {
    ($($message:ident $({ $($argument:ident: $kind:ty),+ })? = $id:literal;)+) => {
        /// Something to say. What goes into the sentence goes with it.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub(crate) enum Message {
            $($message $({ $($argument: $kind),+ })?,)+
        }

        impl Message {
            /// The name of the line that says it.
            fn id(&self) -> &'static str {
                match self {
                    $(Self::$message { .. } => $id,)+
                }
            }

            /// What goes into the sentence.
            fn arguments(&self) -> FluentArgs<'_> {
                let mut arguments = FluentArgs::new();
                match self {
                    $(Self::$message $({ $($argument),+ })? => {
                        $($(arguments.set(stringify!($argument), FluentValue::from($argument));)+)?
                    })+
                }
                arguments
            }
        }

        /// Every message there is: its name and its arguments.
        #[cfg(test)]
        const ALL: &[(&str, &[&str])] = &[$(($id, &[$($(stringify!($argument)),+)?])),+];
    };
}

messages! {
    // What a value can be.
    Required = "required";
    Null = "null";
    NoData = "no-data";
    Blank = "blank";
    NullCharacters = "null-characters";
    ControlCharacters = "control-characters";
    TooLong { max: usize } = "too-long";
    TooMany { max: usize } = "too-many";
    NotAString = "not-a-string";
    NotAUuid = "not-a-uuid";
    NotABoolean = "not-a-boolean";
    NotAnObject { got: String } = "not-an-object";
    NotAList { got: String } = "not-a-list";
    NotACursor = "not-a-cursor";
    NotAPage = "not-a-page";
    NotAPageSize { max: u32 } = "not-a-page-size";
    InvalidChoice { choice: String } = "invalid-choice";
    Unique = "unique";
    InvalidPhoneNumber = "invalid-phone-number";
    InvalidEmail = "invalid-email";
    InvalidFullName = "invalid-full-name";
    InvalidGroupName = "invalid-group-name";
    InvalidDate = "invalid-date";
    InvalidTimestamp = "invalid-timestamp";
    NotAFile = "not-a-file";
    EmptyFile = "empty-file";
    EmptyList = "empty-list";
    MultipartNoBoundary = "multipart-no-boundary";
    MultipartTooManyParts = "multipart-too-many-parts";
    MultipartMalformed = "multipart-malformed";

    // What a request can be.
    BadRequest = "bad-request";
    ParseError { cause: String } = "parse-error";
    UnreadableBody = "unreadable-body";
    NotAuthenticated = "not-authenticated";
    AuthenticationFailed = "authentication-failed";
    PermissionDenied = "permission-denied";
    NotFound = "not-found";
    NoSuchPage = "no-such-page";
    MethodNotAllowed { method: String } = "method-not-allowed";
    RequestTimeout = "request-timeout";
    Conflict = "conflict";
    TooLarge { limit: usize } = "too-large";
    UnsupportedMediaType { media_type: String } = "unsupported-media-type";
    Throttled { scope: String, rate: String, seconds: u64 } = "throttled";
    IdempotencyKeyMalformed { max: usize } = "idempotency-key-malformed";
    IdempotencyKeyReused = "idempotency-key-reused";
    IdempotencyKeyInUse = "idempotency-key-in-use";
    Internal = "internal";
    Unavailable = "unavailable";
    ManyFaults { count: usize } = "many-faults";

    // The names of the statuses.
    TitleBadRequest = "title-bad-request";
    TitleUnauthorized = "title-unauthorized";
    TitleForbidden = "title-forbidden";
    TitleNotFound = "title-not-found";
    TitleMethodNotAllowed = "title-method-not-allowed";
    TitleRequestTimeout = "title-request-timeout";
    TitleConflict = "title-conflict";
    TitlePayloadTooLarge = "title-payload-too-large";
    TitleUnsupportedMediaType = "title-unsupported-media-type";
    TitleUnprocessableEntity = "title-unprocessable-entity";
    TitleTooManyRequests = "title-too-many-requests";
    TitleInternalServerError = "title-internal-server-error";
    TitleServiceUnavailable = "title-service-unavailable";

    // The rules of auth.
    NoActiveAccount = "no-active-account";
    NumberUnknown = "number-unknown";
    NumberBanned = "number-banned";
    NumberBlocked = "number-blocked";
    NumberNotConfirmed = "number-not-confirmed";
    VerificationNotSent = "verification-not-sent";
    VerificationExpired = "verification-expired";
    VerificationVoid = "verification-void";
    VerificationStopped = "verification-stopped";
    WrongOneTimeToken = "wrong-one-time-token";
    UserInactive = "user-inactive";
    StaffNotAllowed = "staff-not-allowed";
    TokenNotValid = "token-not-valid";
    RefreshTokenNotYours = "refresh-token-not-yours";
    WrongPassword = "wrong-password";
    PasswordTooShort { least: usize } = "password-too-short";
    PasswordTooLong { most: usize } = "password-too-long";
    PasswordTooCommon = "password-too-common";
    AlreadyExpired = "already-expired";

    // The rules of the user context.
    AccountClosed = "account-closed";
    AccountOfSuperuser = "account-of-superuser";
    SuperuserWithoutStaffFlag = "superuser-without-staff-flag";
    GroupsOfDriver = "groups-of-driver";
    InvalidImage = "invalid-image";
    ImageTooLarge { pixels: u64 } = "image-too-large";

    // The rules of distribution.
    CenterInUse { code: String } = "center-in-use";

    // The rules of shipping.
    UnknownItem { tracking_number: String } = "unknown-item";
    UnknownBatch { alias: String } = "unknown-batch";
    UnknownCenter { code: String } = "unknown-center";
    DriverInvalid = "driver-invalid";
    DriverBusy = "driver-busy";
    SameCenter { code: String } = "same-center";
    TransportCompleted = "transport-completed";
    TransportDeparted = "transport-departed";
    TransportNotDeparted = "transport-not-departed";
    TransportCentersUnknown = "transport-centers-unknown";
    TransportNoBatch = "transport-no-batch";
    TransportNoDriver = "transport-no-driver";
    BatchAlreadyCompleted { alias: String } = "batch-already-completed";
    BatchAlreadyAssigned { alias: String } = "batch-already-assigned";
    BatchCompleted = "batch-completed";
    BatchDeparted = "batch-departed";
    ItemInvalidStatus { tracking_number: String, status: String } = "item-invalid-status";
    ItemNotAvailable { tracking_number: String } = "item-not-available";
    ItemInvalidTransition { tracking_number: String, from: String, to: String } = "item-invalid-transition";
    ItemInUse = "item-in-use";
    BatchHasItems = "batch-has-items";
    BatchOnTransport = "batch-on-transport";
    TransportHasBatches = "transport-has-batches";
    AliasCharacters = "alias-characters";
}

impl Message {
    /// The message in `language`.
    pub(crate) fn text(&self, language: Language) -> String {
        let bundle = match language {
            Language::English => &*ENGLISH,
            Language::Korean => &*KOREAN,
        };
        let Some(pattern) = bundle.get_message(self.id()).and_then(|message| message.value()) else {
            return self.id().to_owned();
        };
        // Whatever goes wrong with an argument is told in its place in the sentence.
        bundle.format_pattern(pattern, Some(&self.arguments()), &mut Vec::new()).into_owned()
    }
}

type Bundle = FluentBundle<FluentResource>;

static ENGLISH: LazyLock<Bundle> = LazyLock::new(|| bundle(Language::English, include_str!("en.ftl")));
static KOREAN: LazyLock<Bundle> = LazyLock::new(|| bundle(Language::Korean, include_str!("ko.ftl")));

fn bundle(language: Language, source: &str) -> Bundle {
    // A line that does not parse is left out, which no test lets pass.
    let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(rest, _)| rest);
    // Every tag of ours is one.
    let language: LanguageIdentifier = language.tag().parse().unwrap_or_default();
    let mut bundle = Bundle::new_concurrent(vec![language]);
    // Marks around what is put in would be for bidirectional text; here they only get into programs' way.
    bundle.set_use_isolating(false);
    bundle.add_resource_overriding(resource);
    bundle
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    const SOURCES: [(&str, &str); 2] = [("en", include_str!("en.ftl")), ("ko", include_str!("ko.ftl"))];

    /// The lines of a file: the arguments of each, by its name.
    fn lines_of(source: &str) -> BTreeMap<String, BTreeSet<String>> {
        let mut lines = BTreeMap::new();
        let source = source.replace("\n ", " ");
        let told = source.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        for line in told {
            let (id, text) = line.split_once(" = ").expect("one message to a line");
            let is_end = |it: char| !it.is_ascii_alphanumeric() && it != '_';
            let arguments = text.split('$').skip(1).filter_map(|rest| rest.split(is_end).next());
            let arguments = arguments.map(ToOwned::to_owned).collect();
            assert_eq!(lines.insert(id.to_owned(), arguments), None, "{id} is there once");
        }
        lines
    }

    #[test]
    fn every_message_is_told_in_every_language_with_all_its_arguments() {
        let owned = |arguments: &[&str]| arguments.iter().map(|it| (*it).to_owned()).collect();
        let expected: BTreeMap<String, BTreeSet<String>> =
            ALL.iter().map(|(id, arguments)| ((*id).to_owned(), owned(arguments))).collect();

        assert_eq!(expected.len(), ALL.len(), "every message has a name of its own");
        for (language, source) in SOURCES {
            let lines = lines_of(source);
            for (id, arguments) in &expected {
                assert_eq!(lines.get(id), Some(arguments), "{id} in {language}.ftl");
            }
            for id in lines.keys() {
                assert!(expected.contains_key(id), "nobody says {id} of {language}.ftl");
            }
            FluentResource::try_new(source.to_owned()).expect("every line parses");
        }
    }

    #[test]
    fn a_message_says_what_goes_into_it_and_nothing_around_it() {
        let choice = Message::InvalidChoice { choice: "{ $x } \"PARKED\"".to_owned() };
        let throttled =
            |seconds| Message::Throttled { scope: "sms-request".to_owned(), rate: "10/minute".to_owned(), seconds };

        for (message, language, text) in [
            (Message::TooLong { max: 1500 }, Language::English, "Ensure this field has no more than 1500 characters."),
            (Message::TooLong { max: 1500 }, Language::Korean, "이 필드의 글자 수가 1500 이하인지 확인하세요."),
            (choice, Language::English, "\"{ $x } \"PARKED\"\" is not a valid choice."),
            (throttled(60), Language::English, "Throttled by sms-request (10/minute). 60 seconds left to be released."),
            (throttled(1), Language::English, "Throttled by sms-request (10/minute). 1 second left to be released."),
            (
                throttled(60),
                Language::Korean,
                "sms-request(10/minute) 제한을 초과했습니다. 60초 후에 다시 시도할 수 있습니다.",
            ),
        ] {
            assert_eq!(message.text(language), text);
        }
    }
}
