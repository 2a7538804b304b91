//! The rules of a batch.

use super::*;
use crate::Packing;
use crate::testing::{a_batch, an_item, noon};

#[test]
fn a_packed_item_moves_and_is_announced() {
    let batch = a_batch().build();
    let mut item = an_item().build();

    let event = batch.pack(&mut item, noon()).expect("it goes in");

    assert!(matches!(event, Some(ShippingEvent::ItemAddedToBatch { item_id, .. }) if item_id == item.id()));
    assert_eq!(item.status(), ItemStatus::Moving);
    assert_eq!(item.packing(), Some(Packing { batch_id: batch.id(), since: noon() }));
}

#[test]
fn packing_an_item_twice_changes_nothing() {
    let batch = a_batch().build();
    let mut item = an_item().in_batch(&batch).build();
    let before = item.clone();

    assert_eq!(batch.pack(&mut item, noon()), Ok(None));
    assert_eq!(item, before);
}

#[test]
fn a_batch_that_is_loaded_can_still_be_packed() {
    let batch = a_batch().loaded().build();

    assert!(batch.pack(&mut an_item().build(), noon()).is_ok());
}

#[test]
fn a_departed_batch_takes_nothing() {
    let batch = a_batch().departed().build();
    let mut item = an_item().build();
    let before = item.clone();

    assert_eq!(batch.pack(&mut item, noon()), Err(CannotPack::BatchDeparted(batch.alias().clone())));
    assert_eq!(item, before, "a refusal changes nothing");
}

#[test]
fn a_completed_batch_takes_nothing() {
    let batch = a_batch().completed().build();

    assert_eq!(batch.pack(&mut an_item().build(), noon()), Err(CannotPack::BatchCompleted(batch.alias().clone())));
}

#[test]
fn an_item_sits_in_one_open_batch_only() {
    let mut item = an_item().in_batch(&a_batch().build()).build();
    let before = item.clone();

    let refusal = a_batch().build().pack(&mut item, noon());

    assert_eq!(refusal, Err(CannotPack::NotAvailable(item.tracking_number().clone())));
    assert_eq!(item, before, "a refusal changes nothing");
}

/// A batch that takes no changes, and what it says.
type Closed = (Batch, fn(Alias) -> CannotChangeBatch);

fn closed() -> [Closed; 2] {
    [
        (a_batch().departed().build(), CannotChangeBatch::Departed),
        (a_batch().completed().build(), CannotChangeBatch::Completed),
    ]
}

#[test]
fn an_item_that_never_travelled_goes_back_to_where_it_was() {
    let batch = a_batch().loaded().build();
    let mut item = an_item().in_batch(&batch).build();

    let event = batch.unpack(&mut item).expect("it comes out");

    assert!(matches!(event, Some(ShippingEvent::ItemRemovedFromBatch { item_id, .. }) if item_id == item.id()));
    assert_eq!((item.status(), item.packing()), (ItemStatus::Created, None));
}

#[test]
fn an_item_that_travelled_before_is_still_under_way() {
    let batch = a_batch().build();
    let mut item = an_item().in_batch(&batch).seen_at("ABC001").build();

    batch.unpack(&mut item).expect("it comes out");

    assert_eq!((item.status(), item.packing()), (ItemStatus::Moving, None));
}

#[test]
fn what_became_of_an_item_stays_when_it_comes_out() {
    for status in [ItemStatus::Damaged, ItemStatus::Lost, ItemStatus::Completed] {
        let batch = a_batch().build();
        let mut item = an_item().in_batch(&batch).with_status(status).build();

        batch.unpack(&mut item).expect("it comes out");

        assert_eq!((item.status(), item.packing()), (status, None));
    }
}

#[test]
fn taking_out_what_is_not_in_changes_nothing() {
    for item in [an_item().build(), an_item().in_batch(&a_batch().build()).build()] {
        let mut unpacked = item.clone();

        assert_eq!(a_batch().build().unpack(&mut unpacked), Ok(None));
        assert_eq!(unpacked, item);
    }
}

#[test]
fn nothing_is_taken_out_of_a_batch_that_left() {
    for (batch, refusal) in closed() {
        let mut item = an_item().in_batch(&batch).build();
        let before = item.clone();

        assert_eq!(batch.unpack(&mut item), Err(refusal(batch.alias().clone())));
        assert_eq!(item, before, "a refusal changes nothing");
    }
}

#[test]
fn all_the_named_items_go_in_and_one_that_is_named_twice_goes_in_once() {
    let batch = a_batch().build();
    let (shoe, hat, inside) = (an_item().build(), an_item().build(), an_item().in_batch(&batch).build());
    let labels = labels(&[&hat, &inside, &shoe, &hat]);

    let packed = batch.pack_all(Named::items(labels, vec![shoe.clone(), hat.clone(), inside.clone()]), noon());

    let packed = packed.expect("they go in");
    assert_eq!(packed.changed.iter().map(Item::id).collect::<Vec<_>>(), [hat.id(), shoe.id()]);
    assert_eq!(packed.events.len(), 2);
    let in_order = packed.named.in_order().map(Item::id).collect::<Vec<_>>();
    assert_eq!(in_order, [hat.id(), inside.id(), shoe.id(), hat.id()]);
    let sits_in_it = |it: &Item| it.packing().is_some_and(|it| it.batch_id == batch.id());
    assert!(packed.changed.iter().chain(packed.named.in_order()).all(sits_in_it));
    assert_eq!(packed.named.once_each().count(), 3);
}

#[test]
fn an_item_that_there_is_not_goes_in_nowhere_and_neither_do_the_others() {
    let (shoe, lost) = (an_item().build(), an_item().with_status(ItemStatus::Lost).build());
    let mut names = labels(&[&shoe, &lost]);
    names.insert(0, "20300101-0000000000".to_owned());
    names.push("nonsense".to_owned());

    let refused = a_batch().build().pack_all(Named::items(names.clone(), vec![shoe, lost.clone()]), noon());

    let (tracking_number, status) = (lost.tracking_number().clone(), ItemStatus::Lost);
    let refusals = [
        Refused { index: 0, reason: CannotPack::UnknownItem(names[0].clone()) },
        Refused { index: 2, reason: CannotPack::InvalidStatus { tracking_number, status } },
        Refused { index: 3, reason: CannotPack::UnknownItem(names[3].clone()) },
    ];
    assert_eq!(refused, Err(refusals.to_vec()));
}

#[test]
fn all_the_named_items_come_out_and_what_is_elsewhere_stays_there() {
    let batch = a_batch().build();
    let (shoe, elsewhere) = (an_item().in_batch(&batch).build(), an_item().in_batch(&a_batch().build()).build());

    let names = labels(&[&shoe, &elsewhere, &shoe]);
    let taken_out = batch.unpack_all(Named::items(names, vec![shoe.clone(), elsewhere.clone()]));

    let taken_out = taken_out.expect("it comes out");
    assert_eq!(taken_out.changed.iter().map(|it| (it.id(), it.packing())).collect::<Vec<_>>(), [(shoe.id(), None)]);
    assert_eq!(taken_out.events.len(), 1);
    assert!(taken_out.named.once_each().any(|it| *it == elsewhere));
}

#[test]
fn an_item_that_there_is_not_comes_out_of_nowhere_and_neither_do_the_others() {
    let batch = a_batch().build();
    let shoe = an_item().in_batch(&batch).build();
    let names = vec!["nonsense".to_owned(), shoe.tracking_number().to_string()];

    let refused = batch.unpack_all(Named::items(names, vec![shoe]));

    let unknown = CannotUnpack::UnknownItem("nonsense".to_owned());
    assert_eq!(refused, Err(vec![Refused { index: 0, reason: unknown }]));
}

#[test]
fn a_batch_that_left_refuses_each_of_the_named_items() {
    for (batch, refusal) in closed() {
        let item = an_item().in_batch(&batch).build();

        let refused = batch.unpack_all(Named::items(labels(&[&item]), vec![item]));

        let reason = CannotUnpack::BatchClosed(refusal(batch.alias().clone()));
        assert_eq!(refused, Err(vec![Refused { index: 0, reason }]));
    }
}

fn labels(items: &[&Item]) -> Vec<String> {
    items.iter().map(|it| it.tracking_number().to_string()).collect()
}

#[test]
fn a_batch_is_renamed_until_it_leaves() {
    let alias = Alias::parse("friday").expect("an alias");
    for mut batch in [a_batch().build(), a_batch().loaded().build()] {
        batch.rename(alias.clone()).expect("it is renamed");
        assert_eq!(*batch.alias(), alias);
    }
    for (mut batch, refusal) in closed() {
        let before = batch.clone();

        assert_eq!(batch.rename(alias.clone()), Err(refusal(batch.alias().clone())));
        assert_eq!(batch, before, "a refusal changes nothing");
    }
}

#[test]
fn only_an_empty_batch_that_is_on_no_transport_is_deleted() {
    let batch = a_batch().build();
    let item = an_item().in_batch(&batch).build();

    assert_eq!(batch.can_be_deleted(&[]), Ok(()));
    assert_eq!(batch.can_be_deleted(&[item]), Err(CannotDelete::BatchPacked(batch.alias().clone())));
    for batch in [a_batch().loaded().build(), a_batch().departed().build(), a_batch().completed().build()] {
        assert_eq!(batch.can_be_deleted(&[]), Err(CannotDelete::BatchLoaded(batch.alias().clone())));
    }
}

#[test]
fn only_created_and_moving_items_are_packed() {
    for status in ItemStatus::ALL {
        let mut item = an_item().with_status(status).build();
        let packed = a_batch().build().pack(&mut item, noon());

        match status {
            ItemStatus::Created | ItemStatus::Moving => assert!(packed.is_ok(), "{status}"),
            _ => assert!(matches!(packed, Err(CannotPack::InvalidStatus { .. })), "{status}"),
        }
    }
}
