//! Many at once, each by its name: all of them change, or none does.

use std::collections::HashMap;

use crate::{Batch, Item, ShippingEvent};

/// What somebody named, in their order, and what there is by these names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<T> {
    names: Vec<String>,
    found: HashMap<String, T>,
}

/// Why one of the named stands in the way of all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused<E> {
    /// Its place among the names, from 0.
    pub index: usize,
    /// What is wrong with it.
    pub reason: E,
}

/// All of the named, each as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed<T> {
    /// All of them.
    pub named: Named<T>,
    /// Those that are not as they were, once each.
    pub changed: Vec<T>,
    /// What to announce.
    pub events: Vec<ShippingEvent>,
}

impl Named<Item> {
    /// Items, by what was read from their labels: what cannot be a tracking number is that of no item.
    pub fn items(labels: Vec<String>, found: Vec<Item>) -> Self {
        Self { names: labels, found: found.into_iter().map(|it| (it.tracking_number().to_string(), it)).collect() }
    }
}

impl Named<Batch> {
    /// Batches, by what they were called: what cannot be an alias is that of no batch.
    pub fn batches(names: Vec<String>, found: Vec<Batch>) -> Self {
        Self { names, found: found.into_iter().map(|it| (it.alias().to_string(), it)).collect() }
    }
}

impl<T> Named<T> {
    /// What there is, in the order of the names: what was named twice comes twice.
    pub fn in_order(&self) -> impl Iterator<Item = &T> {
        self.names.iter().filter_map(|it| self.found.get(it))
    }

    /// What there is, once each, in no order.
    pub fn once_each(&self) -> impl Iterator<Item = &T> {
        self.found.values()
    }
}

impl<T: Clone> Named<T> {
    /// Changes each, or tells of every one that cannot change. `change` says nothing of what stays as it is.
    pub(crate) fn change_each<E>(
        mut self,
        unknown: impl Fn(String) -> E,
        change: impl Fn(&mut T) -> Result<Option<ShippingEvent>, E>,
    ) -> Result<Changed<T>, Vec<Refused<E>>> {
        let (mut changed, mut events, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for (index, name) in self.names.iter().enumerate() {
            let outcome = match self.found.get_mut(name) {
                None => Err(unknown(name.clone())),
                Some(it) => change(it).map(|event| event.map(|event| (it.clone(), event))),
            };
            match outcome {
                Ok(Some((it, event))) => {
                    changed.push(it);
                    events.push(event);
                }
                Ok(None) => {}
                Err(reason) => refused.push(Refused { index, reason }),
            }
        }
        if refused.is_empty() { Ok(Changed { named: self, changed, events }) } else { Err(refused) }
    }
}
