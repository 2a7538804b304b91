//! What the ports from one context to another promise, whether the other one is in the same process or in another.

use std::sync::Arc;

use bootstrap::config::Config;
use bootstrap::{build, serve};
use contexts_adapter::{DistributionCenters, TransportRoutes, UserDrivers, UserStaff};
use distribution_application::{CenterUsage, Distribution, StaffDirectory};
use distribution_domain::testing::{a_center, a_staff_member, an_attempt};
use distribution_domain::{Center, StaffId};
use kernel_application::testing::anyone;
use kernel_domain::CorrelationId;
use persistence_adapter::Database;
use remote_adapter::{Peer, PeerUrl, RemoteCenterUsage, RemoteCenters, RemoteDrivers, RemoteStaff, own_key};
use secrets_adapter::Secrets;
use shipping_application::{CenterDirectory, DriverDirectory, PlanTransport, Role, Shipping};
use shipping_domain::DriverId;
use shipping_domain::testing::{a_driver, center};
use tempfile::TempDir;
use tokens_adapter::RootKeys;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use user_application::{RegisterUser, Users};
use user_domain::testing::a_phone_number;
use user_domain::{FullName, GroupName, Privileges, Profile, UserId};
use uuid::Uuid;

/// All contexts, and the ports to them.
struct World {
    staff: Arc<dyn StaffDirectory>,
    drivers: Arc<dyn DriverDirectory>,
    centers: Arc<dyn CenterDirectory>,
    usage: Arc<dyn CenterUsage>,
    users: Arc<Users>,
    shipping: Arc<Shipping>,
    database: Database,
    /// Serving ends with it.
    _stop: oneshot::Sender<()>,
    _folder: TempDir,
}

#[derive(Clone, Copy)]
enum Way {
    InProcess,
    OverHttp,
}

macro_rules! every_way_promises {
    ($($promise:ident),+ $(,)?) => {
        mod in_process {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() {
                super::$promise(super::World::reached(super::Way::InProcess).await).await;
            })+
        }

        mod over_http {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $promise() {
                super::$promise(super::World::reached(super::Way::OverHttp).await).await;
            })+
        }
    };
}

every_way_promises![
    drivers_are_found_with_what_is_known_of_them_and_others_are_left_out,
    who_is_banned_may_not_drive,
    staff_is_found_with_what_is_known_of_them_and_others_are_left_out,
    centers_are_found_with_who_works_there_and_unknown_codes_are_left_out,
    a_center_that_is_being_closed_is_found_and_not_open,
    a_center_is_used_while_a_transport_is_to_go_there,
    of_nobody_nothing_is_told,
];

impl World {
    async fn reached(way: Way) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (secret, root) = (Secrets::generate(), RootKeys::generate());
        let config = Config::read(|name| {
            Some(match name {
                "ENV" => "test".to_owned(),
                "DATABASE_URL" => format!("sqlite://{}", folder.path().join("test.db").display()),
                "STORAGE_URL" => format!("file:{}", folder.path().join("media").display()),
                "SECRET_KEY" => secret.clone(),
                "TOKEN_ROOT_KEY" => root.clone(),
                // Somebody names them, so that others may ask.
                "CONTEXTS" => "auth,user,distribution,shipping".to_owned(),
                _ => return None,
            })
        });
        let config = config.unwrap();
        let app = build(&config).await.unwrap();
        app.database.migrate().await.unwrap();
        let (users, distribution, shipping) = (app.users.clone(), app.distribution.clone(), app.shipping.clone());
        let database = app.database.clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(async move {
            let shutdown = async {
                let _ = stopped.await;
            };
            serve(&config, app, listener, shutdown).await
        });
        let (staff, drivers, centers, usage) = match way {
            Way::InProcess => in_process(&users, &distribution, &database),
            Way::OverHttp => {
                let key = own_key(&Secrets::parse(&secret, []).unwrap());
                over_http(&Arc::new(Peer::at(PeerUrl::parse(&base).unwrap(), &key, || None).unwrap()))
            }
        };
        Self { staff, drivers, centers, usage, users, shipping, database, _stop: stop, _folder: folder }
    }

    /// Somebody who registered, and is called so.
    async fn somebody(&self, role: user_domain::Role, name: Option<&str>) -> UserId {
        let id = UserId::new(a_driver().as_uuid());
        let full_name = name.map(|it| FullName::parse(it).unwrap());
        let command = RegisterUser {
            id,
            username: None,
            phone_number: a_phone_number(),
            role,
            profile: Profile { full_name, image: None },
            privileges: Privileges::None,
        };
        self.users.register_user(command, &CorrelationId::from(Uuid::from_u128(9))).await.unwrap();
        id
    }

    async fn keep(&self, center: &Center) {
        let mut work = self.database.distribution_store().begin().await.unwrap();
        work.centers().add(center).await.unwrap();
        work.commit().await.unwrap();
    }
}

type Ports = (Arc<dyn StaffDirectory>, Arc<dyn DriverDirectory>, Arc<dyn CenterDirectory>, Arc<dyn CenterUsage>);

fn in_process(users: &Arc<Users>, distribution: &Arc<Distribution>, database: &Database) -> Ports {
    (
        Arc::new(UserStaff(users.clone())),
        Arc::new(UserDrivers(users.clone())),
        Arc::new(DistributionCenters(distribution.clone())),
        Arc::new(TransportRoutes(database.shipping_queries())),
    )
}

fn over_http(peer: &Arc<Peer>) -> Ports {
    (
        Arc::new(RemoteStaff(peer.clone())),
        Arc::new(RemoteDrivers(peer.clone())),
        Arc::new(RemoteCenters(peer.clone())),
        Arc::new(RemoteCenterUsage(peer.clone())),
    )
}

fn a_driving_role() -> user_domain::Role {
    user_domain::Role::Driver { date_of_birth: chrono::NaiveDate::from_ymd_opt(1990, 2, 28) }
}

fn a_staff_role() -> user_domain::Role {
    user_domain::Role::Staff { groups: vec![GroupName::parse("night shift").unwrap()] }
}

async fn drivers_are_found_with_what_is_known_of_them_and_others_are_left_out(world: World) {
    let (kim, lee) =
        (world.somebody(a_driving_role(), Some("김 \"Ann\"")).await, world.somebody(a_staff_role(), None).await);

    let asked = [kim.as_uuid(), lee.as_uuid(), a_driver().as_uuid()].map(DriverId::new);
    let mut found = world.drivers.find(&asked).await.unwrap();

    found.sort_by_key(|it| !it.may_drive);
    let [driver, staff] = &found[..] else { panic!("{found:?}") };
    assert_eq!((driver.id, driver.may_drive, driver.person.user_id), (asked[0], true, kim.as_uuid()));
    let number = driver.person.phone_number.as_deref().unwrap();
    assert_eq!(driver.person.username, number.trim_start_matches('+'));
    assert_eq!((driver.person.full_name.as_deref(), &driver.person.image_url), (Some("김 \"Ann\""), &None));
    let date_of_birth = chrono::NaiveDate::from_ymd_opt(1990, 2, 28);
    assert_eq!(driver.person.role, Role::Driver { date_of_birth });
    assert_eq!((staff.id, staff.may_drive, &staff.person.full_name), (asked[1], false, &None));
    assert_eq!(staff.person.role, Role::Staff { permission_groups: vec!["night shift".to_owned()] });
}

async fn who_is_banned_may_not_drive(world: World) {
    let kim = world.somebody(a_driving_role(), Some("Kim")).await;
    let asked = [DriverId::new(kim.as_uuid())];
    assert!(world.drivers.find(&asked).await.unwrap()[0].may_drive);

    world.users.ban_user(&anyone(), kim).await.unwrap();

    let found = world.drivers.find(&asked).await.unwrap();
    assert_eq!((found[0].may_drive, &found[0].person.full_name), (false, &None), "seen at once");
}

async fn staff_is_found_with_what_is_known_of_them_and_others_are_left_out(world: World) {
    let (kim, lee) = (world.somebody(a_staff_role(), Some("Kim")).await, world.somebody(a_driving_role(), None).await);

    let asked = [kim.as_uuid(), lee.as_uuid(), a_driver().as_uuid()].map(StaffId::new);
    let mut found = world.staff.find(&asked).await.unwrap();

    found.sort_by_key(|it| it.id != asked[0]);
    let [staff, driver] = &found[..] else { panic!("{found:?}") };
    assert_eq!((staff.id, staff.full_name.as_deref()), (asked[0], Some("Kim")));
    assert_eq!(staff.username, staff.phone_number.as_deref().unwrap().trim_start_matches('+'));
    let groups = vec!["night shift".to_owned()];
    assert_eq!(staff.role, distribution_application::Role::Staff { permission_groups: groups });
    let date_of_birth = chrono::NaiveDate::from_ymd_opt(1990, 2, 28);
    assert_eq!((driver.id, &driver.role), (asked[1], &distribution_application::Role::Driver { date_of_birth }));
}

async fn centers_are_found_with_who_works_there_and_unknown_codes_are_left_out(world: World) {
    let kim = world.somebody(a_staff_role(), Some("Kim")).await;
    let staffed = a_center().called("ABC001").staffed_by(&[a_staff_member(), StaffId::new(kim.as_uuid())]).build();
    world.keep(&staffed).await;
    world.keep(&a_center().called("ABC002").build()).await;

    let mut found = world.centers.find(&["ABC002", "XYZ", "ABC001"].map(center)).await.unwrap();

    found.sort_by_key(|it| it.code.as_str().to_owned());
    let [one, other] = &found[..] else { panic!("{found:?}") };
    assert_eq!(
        (one.id, &one.code, &one.name),
        (staffed.id().as_uuid(), &center("ABC001"), &staffed.name().to_string())
    );
    assert_eq!(one.staff.iter().map(|it| it.user_id).collect::<Vec<_>>(), [kim.as_uuid()]);
    assert_eq!(one.staff[0].full_name.as_deref(), Some("Kim"));
    assert_eq!((&other.code, other.staff.len()), (&center("ABC002"), 0));
}

async fn a_center_that_is_being_closed_is_found_and_not_open(world: World) {
    let codes = ["ABC002", "XYZ", "ABC001"].map(center);
    let mut closing = a_center().called("ABC001").build();
    world.keep(&closing).await;
    world.keep(&a_center().called("ABC002").build()).await;
    let open = world.centers.open_among(&codes).await.unwrap();
    assert_eq!(open, ["ABC002", "ABC001"].map(center));

    closing.begin_to_close(an_attempt());
    let mut work = world.database.distribution_store().begin().await.unwrap();
    work.centers().find(closing.id()).await.unwrap();
    work.centers().save(&closing).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(world.centers.open_among(&codes).await.unwrap(), [center("ABC002")], "known at once");
    assert_eq!(world.centers.find(&codes).await.unwrap().len(), 2);
}

async fn a_center_is_used_while_a_transport_is_to_go_there(world: World) {
    for code in ["ABC001", "ABC002", "ABC003"] {
        world.keep(&a_center().called(code).build()).await;
    }
    let used = async |code: &str| {
        let code = distribution_domain::CenterCode::parse(code).unwrap();
        world.usage.is_used(&code).await.unwrap()
    };
    assert!(!used("ABC002").await);

    let plan = PlanTransport { source: center("ABC001"), destination: center("ABC002"), driver_id: None };
    world.shipping.plan_transport(&anyone(), plan).await.unwrap();

    assert!(used("ABC001").await && used("ABC002").await && !used("ABC003").await);
}

async fn of_nobody_nothing_is_told(world: World) {
    assert_eq!(world.staff.find(&[]).await.unwrap(), []);
    assert_eq!(world.drivers.find(&[]).await.unwrap(), []);
    assert_eq!(world.centers.find(&[]).await.unwrap(), []);
    assert_eq!(world.centers.open_among(&[]).await.unwrap(), []);
}
