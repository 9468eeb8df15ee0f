//! Which of the domain's rows reach sockets, and whose.

use kernel::{
    Permission,
    live::{Channel, Rule, Table, Who},
};

/// The published tables.
pub const TABLES: &[Table] = &[
    Table {
        schema: "identity",
        name: "users",
        rules: &[
            Rule::Owner { column: "id" },
            Rule::Permission(Permission::UsersRead),
        ],
    },
    Table {
        schema: "identity",
        name: "profiles",
        rules: &[
            Rule::Owner { column: "user_id" },
            Rule::Permission(Permission::UsersRead),
        ],
    },
    // Of a role no more than its name is published.
    Table {
        schema: "identity",
        name: "roles",
        rules: &[Rule::Everyone],
    },
    Table {
        schema: "identity",
        name: "presence",
        rules: &[
            Rule::Owner { column: "user_id" },
            Rule::Permission(Permission::UsersRead),
        ],
    },
    Table {
        schema: "identity",
        name: "impersonations",
        rules: &[
            Rule::Owner { column: "user_id" },
            Rule::Permission(Permission::UsersWrite),
        ],
    },
    Table {
        schema: "identity",
        name: "sessions",
        rules: &[
            Rule::Owner { column: "user_id" },
            Rule::Permission(Permission::UsersWrite),
        ],
    },
    Table {
        schema: "identity",
        name: "security_events",
        rules: &[
            Rule::Owner { column: "user_id" },
            Rule::Permission(Permission::AuditRead),
        ],
    },
    Table {
        schema: "identity",
        name: "bulk_runs",
        rules: &[Rule::Owner { column: "actor" }],
    },
];

/// The private channels: each user's own, and the staff's.
pub const CHANNELS: &[Channel] = &[
    Channel {
        name: "user:{user}",
        read: Who::Owner,
        write: Who::Owner,
    },
    Channel {
        name: "user:{user}:*",
        read: Who::Owner,
        write: Who::Owner,
    },
    Channel {
        name: "staff:*",
        read: Who::Permission(Permission::UsersRead),
        write: Who::Permission(Permission::UsersRead),
    },
];
