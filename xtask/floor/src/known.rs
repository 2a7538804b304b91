//! Centers and people, which the product keeps in its memory too.

use std::collections::HashMap;

use mysql_async::Pool;
use mysql_async::prelude::Queryable as _;
use serde::Serialize;

use crate::answers::uuid;

const PEOPLE: &str = "SELECT id, phone_number, username, user_type, full_name, date_of_birth FROM user_users";
const CENTERS: &str = "SELECT id, center_code, name FROM distribution_centers";
const STAFF: &str = "SELECT center_id, staff_id FROM distribution_center_staff ORDER BY center_id, place";

/// Id, phone number, username, type, full name, date of birth.
type PersonRow = (Vec<u8>, Option<String>, String, String, Option<String>, Option<String>);

#[derive(Clone, Serialize)]
pub(crate) struct Person {
    uuid: String,
    phonenumber: Option<String>,
    username: String,
    r#type: String,
    fullname: Option<String>,
    image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permission_group: Option<[String; 0]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dob: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Center {
    uuid: String,
    #[serde(rename = "center_code")]
    code: String,
    name: String,
    staff_members: Vec<Person>,
}

/// As they were when the server started: nobody changes them.
pub(crate) struct Known {
    people: HashMap<Vec<u8>, Person>,
    centers: HashMap<String, Center>,
}

impl Known {
    pub(crate) async fn read(pool: &Pool) -> Result<Self, mysql_async::Error> {
        let mut connection = pool.get_conn().await?;
        let people: Vec<PersonRow> = connection.query(PEOPLE).await?;
        let people: HashMap<_, _> = people.into_iter().map(person).collect();
        let mut staff: HashMap<Vec<u8>, Vec<Person>> = HashMap::new();
        for (center, member) in connection.query::<(Vec<u8>, Vec<u8>), _>(STAFF).await? {
            staff.entry(center).or_default().extend(people.get(&member).cloned());
        }
        let mut centers = HashMap::new();
        for (id, code, name) in connection.query::<(Vec<u8>, String, String), _>(CENTERS).await? {
            let staff_members = staff.remove(&id).unwrap_or_default();
            let center = Center { code: code.clone(), name, staff_members, uuid: uuid(&id) };
            centers.insert(code, center);
        }
        Ok(Self { people, centers })
    }

    pub(crate) fn person(&self, id: &[u8]) -> Option<&Person> {
        self.people.get(id)
    }

    pub(crate) fn center(&self, code: &str) -> Option<&Center> {
        self.centers.get(code)
    }
}

fn person((id, phonenumber, username, r#type, fullname, birth): PersonRow) -> (Vec<u8>, Person) {
    let is_driver = r#type == "DRIVER";
    let dob = birth.filter(|_| is_driver);
    let permission_group = (!is_driver).then_some([]);
    let uuid = uuid(&id);
    (id, Person { dob, fullname, image: None, permission_group, phonenumber, r#type, username, uuid })
}
