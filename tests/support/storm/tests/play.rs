//! What goes out of play.

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::storm::history::Entry;
use crate::storm::{Choice, Command, World};

/// An answer: to what, its status and code, and what it tells.
type Told = (Command, u16, &'static str, Value);

/// How often, of ten thousand commands, such a one is chosen in a world where two centers are open and these answers were heard.
fn chosen_after(answers: &[Told], is_it: fn(&Command) -> bool) -> usize {
    let open = |code: &str| (Command::OpenCenter { code: code.to_owned() }, 201, "", json!({ "uuid": code }));
    let world = World::driven_by(vec!["eve".to_owned()]);
    for (command, status, code, body) in [open("A"), open("B")].iter().chain(answers) {
        let nobody = Entry::unanswered(command.clone(), None, Instant::now(), "request");
        world.learn(&Entry { status: Some(*status), code: (*code).to_owned(), body: body.clone(), ..nobody });
    }
    let mut choice = Choice::seeded(7);
    (0..10_000).filter(|_| is_it(&world.next(&mut choice))).count()
}

/// Whoever made it was told so, and asks for it until `over` tells that it is no more.
#[track_caller]
fn assert_over(made: &Told, goes_on: Told, over: Told, is_it: fn(&Command) -> bool) {
    let in_play = chosen_after(&[made.clone(), goes_on], is_it);
    let past = chosen_after(&[made.clone(), over], is_it);
    assert!(in_play > 20 && past < in_play / 4, "{in_play} of ten thousand in play, {past} when it is over");
}

/// Where answers are lost, nobody may have been told when it happened, and clients would ask for ever for what is no more.
#[test]
fn what_is_told_to_be_over_goes_out_of_play() {
    let plan = Command::Plan { source: "A".to_owned(), destination: "B".to_owned(), driver: None };
    let planned = (plan, 201, "", json!({ "uuid": "truck" }));
    let complete = |status, code| (Command::Complete { transport: "truck".to_owned() }, status, code, Value::Null);
    let starts = |it: &Command| matches!(it, Command::Start { transport, .. } if transport == "truck");
    let early = || complete(400, "ShippingTransportNotDeparted");
    assert_over(&planned, early(), complete(400, "ShippingTransportAlreadyCompleted"), starts);
    assert_over(&planned, early(), complete(404, "not_found"), starts);

    let opened = (Command::OpenBatch, 201, "", json!({ "alias": "box" }));
    let pack = |code| (Command::Pack { alias: "box".to_owned(), items: Vec::new() }, 400, code, Value::Null);
    let unpacks = |it: &Command| matches!(it, Command::Unpack { alias, .. } if alias == "box");
    assert_over(&opened, pack("ShippingBatchDeparted"), pack("ShippingBatchCompleted"), unpacks);

    let registered = (Command::Register { sku: "1".to_owned() }, 201, "", json!({ "tracking_number": "shoe" }));
    let seen = |status| (Command::SeeItem { item: "shoe".to_owned() }, 200, "", json!({ "status": status }));
    let changes = |it: &Command| matches!(it, Command::SetStatus { item, .. } if item == "shoe");
    assert_over(&registered, seen("MOVING"), seen("COMPLETED"), changes);
}
