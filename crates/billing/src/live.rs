//! Which of the domain's rows reach sockets, and whose.

use kernel::{
    Permission,
    live::{Rule, Table},
};

/// The published tables.
pub const TABLES: &[Table] = &[
    Table {
        schema: "billing",
        name: "tiers",
        rules: &[Rule::Permission(Permission::BillingRead)],
    },
    Table {
        schema: "billing",
        name: "memberships",
        rules: &[
            Rule::Owner { column: "user_id" },
            Rule::Permission(Permission::BillingRead),
        ],
    },
    Table {
        schema: "billing",
        name: "subscriptions",
        rules: &[
            Rule::Owner { column: "user_id" },
            Rule::Permission(Permission::BillingRead),
        ],
    },
    Table {
        schema: "billing",
        name: "payments",
        rules: &[
            Rule::Owner { column: "user_id" },
            Rule::Permission(Permission::BillingRead),
        ],
    },
];
