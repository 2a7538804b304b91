DROP TABLE auth_allowed_numbers;
DROP TABLE auth_api_keys;
DROP TABLE auth_challenges;
DROP TABLE auth_spent_refresh_tokens;
DROP TABLE auth_sessions;
DROP TABLE auth_credentials;
