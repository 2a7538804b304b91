//! Fields that hold many values: every entry is judged, and told by its place.

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use serde_json::Value;
use uuid::Uuid;

use super::Fields;
use super::field::{Convert, Field, Rules};
use super::kinds::{choice_schema, chosen, kind_of, uuid, uuid_schema};
use crate::fault::Fault;

impl Fields {
    /// A list of UUIDs, also inside of `{"uuid": []}`.
    pub(crate) fn uuids(&mut self, name: &'static str, about: &'static str) -> Field<'_, impl Convert<Vec<Uuid>>> {
        self.field(name, about, uuids_schema, uuids).many()
    }

    /// A list of texts, each of which `parse` makes something of.
    pub(crate) fn texts<T, E: Into<Fault>>(
        &mut self,
        name: &'static str,
        about: &'static str,
        parse: fn(&str) -> Result<T, E>,
    ) -> Field<'_, impl Convert<Vec<T>>> {
        let entry = move |value: &Value| {
            let sent = value.as_str().ok_or_else(Fault::not_a_string)?;
            if sent.contains('\0') {
                return Err(Fault::null_characters());
            }
            parse(sent).map_err(Into::into)
        };
        let schema = || list_schema(MetaSchema::new("string"));
        self.field(name, about, schema, move |value, rules: &Rules| entries(value, "", rules, entry)).many()
    }

    /// A list of `choices`, each by its name on the wire.
    pub(crate) fn choices<T: Copy + 'static>(
        &mut self,
        name: &'static str,
        about: &'static str,
        choices: &'static [T],
        name_of: fn(T) -> &'static str,
    ) -> Field<'_, impl Convert<Vec<T>>> {
        let entry = move |value: &Value| chosen(value, choices, name_of);
        let schema = || list_schema(choice_schema(choices, name_of));
        self.field(name, about, schema, move |value, rules: &Rules| entries(value, "", rules, entry)).many()
    }
}

fn uuids(value: Value, rules: &Rules) -> Result<Vec<Uuid>, Vec<Fault>> {
    let (path, list) = match value {
        Value::Object(mut members) => match members.remove("uuid") {
            Some(list) => (".uuid", list),
            None => return Err(vec![Fault::required().of(".uuid")]),
        },
        other => ("", other),
    };
    entries(list, path, rules, uuid)
}

/// What `entry` makes of each entry of a list that stands at `path`, or all that is wrong with them.
fn entries<T>(
    list: Value,
    path: &str,
    rules: &Rules,
    entry: impl Fn(&Value) -> Result<T, Fault>,
) -> Result<Vec<T>, Vec<Fault>> {
    let Value::Array(list) = list else {
        return Err(vec![Fault::not_a_list(kind_of(&list)).below(path)]);
    };
    if let Some(max) = rules.max
        && list.len() > max
    {
        return Err(vec![Fault::too_many(max).below(path)]);
    }
    let (good, bad): (Vec<_>, Vec<_>) = list
        .iter()
        .enumerate()
        .map(|(at, value)| entry(value).map_err(|fault| fault.of(format!("{path}[{at}]"))))
        .partition(Result::is_ok);
    if bad.is_empty() {
        Ok(good.into_iter().flatten().collect())
    } else {
        Err(bad.into_iter().filter_map(Result::err).collect())
    }
}

fn list_schema(entry: MetaSchema) -> MetaSchema {
    MetaSchema { items: Some(Box::new(MetaSchemaRef::Inline(Box::new(entry)))), ..MetaSchema::new("array") }
}

fn uuids_schema() -> MetaSchema {
    let list = || list_schema(uuid_schema());
    let object = MetaSchema {
        properties: vec![("uuid", MetaSchemaRef::Inline(Box::new(list())))],
        required: vec!["uuid"],
        ..MetaSchema::new("object")
    };
    MetaSchema {
        one_of: [object, list()].map(|schema| MetaSchemaRef::Inline(Box::new(schema))).into(),
        ..MetaSchema::ANY
    }
}
