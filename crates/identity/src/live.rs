//! Which of the domain's rows reach sockets, and whose.

use kernel::{
    Permission,
    live::{Rule, Table},
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
        name: "presence",
        rules: &[
            Rule::Owner { column: "user_id" },
            Rule::Permission(Permission::UsersRead),
        ],
    },
    Table {
        schema: "identity",
        name: "bulk_runs",
        rules: &[Rule::Owner { column: "actor" }],
    },
];
