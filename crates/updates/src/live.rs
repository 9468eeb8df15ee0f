//! Which of the domain's rows reach sockets, and whose.

use kernel::{
    Permission,
    live::{Rule, Table},
};

/// The published tables.
pub const TABLES: &[Table] = &[
    Table {
        schema: "updates",
        name: "updates",
        rules: &[Rule::Permission(Permission::UpdatesRead)],
    },
    Table {
        schema: "updates",
        name: "recipients",
        rules: &[
            Rule::Owner { column: "user_id" },
            Rule::Permission(Permission::UpdatesRead),
        ],
    },
];
