DROP TABLE user_permission_groups;
DROP TABLE user_users;
