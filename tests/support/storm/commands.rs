//! What clients ask for, and of what.

use std::sync::Mutex;

use crate::app::Visitor;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::choice::Choice;
use super::history::Entry;
use crate::paths::{BATCHES, CENTERS, ITEMS, TRANSPORTS};

/// A command, with whatever it names.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each says what it asks for")]
pub enum Command {
    Register { sku: String },
    OpenBatch,
    OpenCenter { code: String },
    Plan { source: String, destination: String, driver: Option<String> },
    Pack { alias: String, items: Vec<String> },
    Unpack { alias: String, items: Vec<String> },
    Load { transport: String, aliases: Vec<String> },
    Start { transport: String, driver: String },
    Complete { transport: String },
    Replan { transport: String, destination: String, driver: Option<String> },
    RenameBatch { alias: String, to: String },
    SetStatus { item: String, status: &'static str },
    DeleteItem { item: String },
    DeleteBatch { alias: String },
    DeleteTransport { transport: String },
    RenameCenter { code: String, path: String, name: String },
    CloseCenter { code: String, path: String },
    SeeTransport { transport: String },
    SeeItemsOf { alias: String },
    SeeItem { item: String },
    SeeCenter { path: String },
    List { path: &'static str },
}

impl Command {
    /// The request, without a key.
    pub fn request(&self, visitor: &Visitor) -> RequestBuilder {
        let (method, path, body) = self.wire();
        let request = visitor.request(method, &path);
        match body {
            Some(body) => request.json(&body),
            None => request,
        }
    }

    /// Whether it can have a key.
    pub fn is_post(&self) -> bool {
        self.wire().0 == Method::POST
    }

    /// What the path names.
    fn subject(&self) -> Option<Subject<'_>> {
        Some(match self {
            Self::SetStatus { item, .. } | Self::DeleteItem { item } | Self::SeeItem { item } => Subject::Item(item),
            Self::Pack { alias, .. }
            | Self::Unpack { alias, .. }
            | Self::RenameBatch { alias, .. }
            | Self::DeleteBatch { alias }
            | Self::SeeItemsOf { alias } => Subject::Batch(alias),
            Self::Load { transport, .. }
            | Self::Start { transport, .. }
            | Self::Complete { transport }
            | Self::Replan { transport, .. }
            | Self::DeleteTransport { transport }
            | Self::SeeTransport { transport } => Subject::Transport(transport),
            Self::RenameCenter { path, .. } | Self::CloseCenter { path, .. } | Self::SeeCenter { path } => {
                Subject::Center(path)
            }
            Self::Register { .. }
            | Self::OpenBatch
            | Self::OpenCenter { .. }
            | Self::Plan { .. }
            | Self::List { .. } => {
                return None;
            }
        })
    }

    fn wire(&self) -> (Method, String, Option<Value>) {
        let numbered = |items: &[String]| items.iter().map(|it| json!({ "tracking_number": it })).collect::<Value>();
        match self {
            Self::Register { sku } => (Method::POST, ITEMS.to_owned(), Some(json!({ "sku": sku }))),
            Self::OpenBatch => (Method::POST, BATCHES.to_owned(), Some(json!({}))),
            Self::OpenCenter { code } => {
                (Method::POST, CENTERS.to_owned(), Some(json!({ "center_code": code, "name": code })))
            }
            Self::Plan { source, destination, driver } => {
                let plan = json!({
                    "distribution_center_code_source": source,
                    "distribution_center_code_destination": destination,
                    "driver_uuid": driver,
                });
                (Method::POST, TRANSPORTS.to_owned(), Some(plan))
            }
            Self::Pack { alias, items } => (Method::POST, format!("{BATCHES}{alias}/add/"), Some(numbered(items))),
            Self::Unpack { alias, items } => (Method::POST, format!("{BATCHES}{alias}/remove/"), Some(numbered(items))),
            Self::Load { transport, aliases } => {
                let aliases = aliases.iter().map(|it| json!({ "alias": it })).collect();
                (Method::POST, format!("{TRANSPORTS}{transport}/add/"), Some(aliases))
            }
            Self::Start { transport, driver } => {
                (Method::POST, format!("{TRANSPORTS}{transport}/start/"), Some(json!({ "driver_uuid": driver })))
            }
            Self::Complete { transport } => {
                (Method::POST, format!("{TRANSPORTS}{transport}/complete/"), Some(json!({})))
            }
            Self::Replan { transport, destination, driver } => {
                let mut change = json!({ "distribution_center_code_destination": destination });
                if let Some(driver) = driver {
                    change["driver_uuid"] = json!(driver);
                }
                (Method::PATCH, format!("{TRANSPORTS}{transport}/"), Some(change))
            }
            Self::RenameBatch { alias, to } => {
                (Method::PATCH, format!("{BATCHES}{alias}/"), Some(json!({ "alias": to })))
            }
            Self::SetStatus { item, status } => {
                (Method::PATCH, format!("{ITEMS}{item}/"), Some(json!({ "status": status })))
            }
            Self::DeleteItem { item } => (Method::DELETE, format!("{ITEMS}{item}/"), None),
            Self::DeleteBatch { alias } => (Method::DELETE, format!("{BATCHES}{alias}/"), None),
            Self::DeleteTransport { transport } => (Method::DELETE, format!("{TRANSPORTS}{transport}/"), None),
            Self::RenameCenter { path, name, .. } => (Method::PATCH, path.clone(), Some(json!({ "name": name }))),
            Self::CloseCenter { path, .. } => (Method::DELETE, path.clone(), None),
            Self::SeeTransport { transport } => (Method::GET, format!("{TRANSPORTS}{transport}/"), None),
            Self::SeeItemsOf { alias } => (Method::GET, format!("{BATCHES}{alias}/shippingitems/?page_size=100"), None),
            Self::SeeItem { item } => (Method::GET, format!("{ITEMS}{item}/"), None),
            Self::SeeCenter { path } => (Method::GET, path.clone(), None),
            Self::List { path } => (Method::GET, (*path).to_owned(), None),
        }
    }
}

/// One thing that a command is about.
enum Subject<'c> {
    Item(&'c str),
    Batch(&'c str),
    Transport(&'c str),
    /// By its path.
    Center(&'c str),
}

/// How many of each are in play at a time: few, so that clients meet.
const ITEMS_IN_PLAY: usize = 24;
const BATCHES_IN_PLAY: usize = 8;
const TRANSPORTS_IN_PLAY: usize = 4;
const CENTERS_IN_PLAY: usize = 4;
const CENTERS_IN_CHANGE: usize = 2;

/// What clients know of.
#[derive(Default)]
pub struct World(Mutex<Known>);

#[derive(Default)]
struct Known {
    items: Vec<String>,
    batches: Vec<String>,
    /// Items with the batch that they were put in.
    packed: Vec<(String, String)>,
    transports: Vec<String>,
    /// Their codes and paths.
    centers: Vec<(String, String)>,
    drivers: Vec<String>,
    /// What was in play once.
    past: Past,
    centers_so_far: usize,
    /// Numbers that were given to items, centers and batches: no two have the same.
    numbers_so_far: usize,
}

#[derive(Default)]
struct Past {
    items: Vec<String>,
    batches: Vec<String>,
    transports: Vec<String>,
    centers: Vec<String>,
}

impl World {
    /// A world in which nothing is yet but these drivers.
    pub fn driven_by(drivers: Vec<String>) -> Self {
        Self(Mutex::new(Known { drivers, ..Known::default() }))
    }

    /// The next command of a client: what is short is made first.
    pub fn next(&self, choice: &mut Choice) -> Command {
        let mut known = self.0.lock().expect("nobody panicked with it");
        known.missing(choice).or_else(|| known.chosen(choice)).unwrap_or_else(|| known.register())
    }

    /// Learns from an answer.
    pub fn learn(&self, answer: &Entry) {
        let mut known = self.0.lock().expect("nobody panicked with it");
        let text = |name: &str| answer.text(name);
        match (&answer.command, answer.status.unwrap_or_default(), answer.code.as_str()) {
            (Command::Register { .. }, 201, _) => add(&mut known.items, text("tracking_number")),
            (Command::OpenBatch, 201, _) => add(&mut known.batches, text("alias")),
            (Command::Plan { .. }, 201, _) => add(&mut known.transports, text("uuid")),
            (Command::Pack { alias, items }, 200, _) => {
                for item in items {
                    add(&mut known.packed, (item.clone(), alias.clone()));
                }
            }
            (Command::Unpack { items, .. }, 200, _) => known.packed.retain(|(item, _)| !items.contains(item)),
            (Command::OpenCenter { code }, 201, _) => {
                add(&mut known.centers, (code.clone(), format!("{CENTERS}{}/", text("uuid"))));
            }
            (Command::Complete { .. } | Command::DeleteTransport { .. }, 200 | 204, _)
            | (Command::DeleteBatch { .. } | Command::DeleteItem { .. } | Command::CloseCenter { .. }, 204, _)
            | (Command::SetStatus { status: "COMPLETED", .. }, 200, _)
            // Nobody may have been told when it happened: the answer was lost.
            | (_, 404, _)
            | (_, 400, "ShippingTransportAlreadyCompleted" | "ShippingBatchCompleted") => known.retire(&answer.command),
            (Command::SeeItem { .. }, 200, _) if text("status") == "COMPLETED" => known.retire(&answer.command),
            (Command::RenameBatch { to, .. }, 200, _) => {
                known.retire(&answer.command);
                add(&mut known.batches, to.clone());
            }
            _ => {}
        }
    }
}

fn add<T: PartialEq>(known: &mut Vec<T>, new: T) {
    if !known.contains(&new) {
        known.push(new);
    }
}

fn retire(known: &mut Vec<String>, past: &mut Vec<String>, gone: &str) {
    let in_play = known.len();
    known.retain(|it| it != gone);
    if known.len() < in_play {
        add(past, gone.to_owned());
    }
}

impl Known {
    /// What this command is about is out of play.
    fn retire(&mut self, command: &Command) {
        let Self { items, batches, packed, transports, centers, past, .. } = self;
        match command.subject() {
            Some(Subject::Item(item)) => {
                packed.retain(|(it, _)| it != item);
                retire(items, &mut past.items, item);
            }
            Some(Subject::Batch(alias)) => {
                packed.retain(|(_, it)| it != alias);
                retire(batches, &mut past.batches, alias);
            }
            Some(Subject::Transport(transport)) => retire(transports, &mut past.transports, transport),
            Some(Subject::Center(path)) => {
                past.centers.extend(centers.extract_if(.., |(_, known)| known == path).map(|(code, _)| code));
            }
            None => {}
        }
    }

    fn missing(&mut self, choice: &mut Choice) -> Option<Command> {
        if self.centers.len() < 2 || self.centers.len() < CENTERS_IN_PLAY && choice.one_in(4) {
            self.centers_so_far += 1;
            return Some(Command::OpenCenter { code: format!("C{}", self.centers_so_far) });
        }
        if self.items.len() < ITEMS_IN_PLAY && choice.one_in(2) {
            return Some(self.register());
        }
        if self.batches.len() < BATCHES_IN_PLAY && choice.one_in(2) {
            return Some(Command::OpenBatch);
        }
        if self.transports.len() < TRANSPORTS_IN_PLAY && choice.one_in(2) {
            let (source, destination) = (self.center(choice)?, self.center(choice)?);
            let driver = if choice.one_in(2) { choice.of(&self.drivers).cloned() } else { None };
            return Some(Command::Plan { source, destination, driver });
        }
        None
    }

    fn register(&mut self) -> Command {
        Command::Register { sku: self.number() }
    }

    fn number(&mut self) -> String {
        self.numbers_so_far += 1;
        self.numbers_so_far.to_string()
    }

    fn chosen(&mut self, choice: &mut Choice) -> Option<Command> {
        Some(match choice.below(116) {
            0..=11 => Command::Pack { alias: self.batch(choice)?, items: vec![self.item(choice)?] },
            12..=23 => Command::Pack { alias: self.batch(choice)?, items: choice.some_of(5, &self.items) },
            24..=26 => Command::Unpack { alias: self.batch(choice)?, items: choice.some_of(3, &self.items) },
            27..=29 => {
                let (item, alias) = choice.of(&self.packed)?.clone();
                Command::Unpack { alias, items: vec![item] }
            }
            30..=41 => Command::Load { transport: self.transport(choice)?, aliases: choice.some_of(2, &self.batches) },
            42..=53 => Command::Start { transport: self.transport(choice)?, driver: choice.of(&self.drivers)?.clone() },
            54..=63 => Command::Complete { transport: self.transport(choice)? },
            64..=72 => {
                let status = choice.of(&["MOVING", "DAMAGED", "LOST", "COMPLETED", "MOVING"])?;
                Command::SetStatus { item: self.item(choice)?, status }
            }
            73..=74 => Command::DeleteItem { item: self.item(choice)? },
            75..=76 => Command::DeleteBatch { alias: self.batch(choice)? },
            77..=78 => Command::DeleteTransport { transport: self.transport(choice)? },
            79..=82 => {
                let driver = if choice.one_in(2) { choice.of(&self.drivers).cloned() } else { None };
                Command::Replan { transport: self.transport(choice)?, destination: self.center(choice)?, driver }
            }
            83..=86 => {
                let (code, path) = choice.of(&self.centers)?.clone();
                Command::CloseCenter { code, path }
            }
            87..=91 => Command::SeeTransport { transport: self.transport(choice)? },
            92..=95 => Command::SeeItemsOf { alias: self.batch(choice)? },
            96..=97 => Command::SeeItem { item: self.item(choice)? },
            98..=99 => {
                let (code, path) = choice.of(self.oldest_centers())?.clone();
                Command::RenameCenter { code, path, name: self.number() }
            }
            100..=109 => Command::SeeCenter { path: choice.of(self.oldest_centers())?.1.clone() },
            110..=113 => Command::RenameBatch { alias: self.batch(choice)?, to: format!("box-{}", self.number()) },
            _ => Command::List { path: choice.of(&[ITEMS, BATCHES, TRANSPORTS, CENTERS])? },
        })
    }

    /// At the beginning everybody opens centers at once: of so many each would be seen too seldom to be seen as it was.
    fn oldest_centers(&self) -> &[(String, String)] {
        self.centers.get(..CENTERS_IN_CHANGE).unwrap_or(&self.centers)
    }

    fn item(&self, choice: &mut Choice) -> Option<String> {
        one(choice, &self.items, &self.past.items)
    }

    fn batch(&self, choice: &mut Choice) -> Option<String> {
        one(choice, &self.batches, &self.past.batches)
    }

    fn transport(&self, choice: &mut Choice) -> Option<String> {
        one(choice, &self.transports, &self.past.transports)
    }

    fn center(&self, choice: &mut Choice) -> Option<String> {
        let codes: Vec<_> = self.centers.iter().map(|(code, _)| code.clone()).collect();
        one(choice, &codes, &self.past.centers)
    }
}

/// One that is in play, or now and then one that was.
fn one(choice: &mut Choice, known: &[String], past: &[String]) -> Option<String> {
    let past = if choice.one_in(8) { choice.of(past) } else { None };
    past.or_else(|| choice.of(known)).cloned()
}
