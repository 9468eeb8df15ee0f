-- The frame of every page says who one is and shows what one may do. Profiles and roles tell that something changed, and
-- nothing of what: pages ask who they are.
alter publication portico_live add table identity.profiles (user_id), identity.roles (name);
