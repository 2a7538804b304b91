-- Users of majestic-monolith-django, copied from its tables, which have to be in the same database, to those of ours.
-- On MySQL and on SQLite. See docs/operations.md, "Moving users over from Django", for what stays behind.

INSERT INTO user_users (id, username, phone_number, email, user_type, is_staff, is_superuser, is_active, is_banned,
  full_name, date_of_birth, locale, joined_at, deactivated_at, version)
SELECT
  UNHEX(REPLACE(old.uuid, '-', '')),
  COALESCE(NULLIF(old.username, ''), SUBSTR(old.phonenumber, 2)),
  NULLIF(old.phonenumber, ''),
  NULLIF(old.email, ''),
  old.type,
  -- Here a superuser has the staff flag, too.
  CASE WHEN old.is_superuser THEN 1 ELSE old.is_staff END,
  old.is_superuser,
  old.is_active,
  0,
  NULLIF(COALESCE(driver.fullname, staff.fullname), ''),
  CASE WHEN old.type = 'DRIVER' THEN driver.dob END,
  old.locale,
  old.date_joined,
  -- Django does not say since when.
  CASE WHEN old.is_active THEN NULL ELSE old.date_joined END,
  1
FROM auth_user AS old
LEFT JOIN user_profile_staff AS staff ON staff.user_id = old.id AND old.type = 'STAFF'
LEFT JOIN user_profile_driver AS driver ON driver.user_id = old.id AND old.type = 'DRIVER'
WHERE NOT old.banned AND old.date_unregistered IS NULL;

INSERT INTO user_permission_groups (user_id, name)
SELECT moved.id, auth_group.name
FROM auth_user AS old
JOIN user_users AS moved ON moved.id = UNHEX(REPLACE(old.uuid, '-', '')) AND moved.user_type = 'STAFF'
JOIN auth_user_groups ON auth_user_groups.customuser_id = old.id
JOIN auth_group ON auth_group.id = auth_user_groups.group_id;

-- Hashes of other kinds are not known here, and `!` is none: who has one signs in with a token, and chooses a password.
INSERT INTO auth_credentials (account_id, password_hash)
SELECT moved.id, old.password
FROM auth_user AS old
JOIN user_users AS moved ON moved.id = UNHEX(REPLACE(old.uuid, '-', ''))
WHERE SUBSTR(old.password, 1, 14) = 'pbkdf2_sha256$';

INSERT INTO auth_allowed_numbers (phone_number, description)
SELECT phonenumber, MAX(description) FROM mmd_auth_allowed_phonenumbers GROUP BY phonenumber;
