-- The password of a national account, with which a version speaks to the portal; sealed like
-- `auth_sealed`.
ALTER TABLE version ADD COLUMN portal_sealed TEXT;
