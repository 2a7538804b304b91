DROP TABLE user_discarded_images;
DROP TABLE user_permission_groups;
DROP TABLE user_users;
