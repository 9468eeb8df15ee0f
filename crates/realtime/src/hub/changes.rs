//! Which change reaches whom.
//!
//! Subscriptions with the same question form one group, so a filter is asked once whatever the
//! number of its subscribers, and groups with an equality are found by hash. Within a group,
//! those who may see every row of the table stand in one list and the others under their user,
//! so a change costs only the subscribers it reaches.
//!
//! Invariant: a table that was not declared, a rule whose column the row does not show, and a
//! value that is not a user's id reach nobody but those who may see every row.

mod reached;
mod standing;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use kernel::{
    Principal,
    id::UserId,
    live::{Rule, Table},
};

use self::reached::{Hit, Reached};
use super::{Member, filter::Filter, number};
use crate::{
    protocol::join::{Binding, Wanted},
    stream::change::{Cell, Change, Class, Kind, Relation, Transaction, View},
};

/// The subscriptions to changes.
#[derive(Debug)]
pub(crate) struct Changes {
    declared: Arc<Declared>,
    tables: RwLock<Vec<Subscribers>>,
    /// Channels that were told changes since they were told where they stand.
    owed: Mutex<Vec<Arc<Member>>>,
    /// It tells the past, after which nobody stands at the present's cursor.
    past: bool,
}

/// Fixed at the start: which tables there are, and who may see their rows.
#[derive(Debug)]
struct Declared {
    places: HashMap<String, HashMap<String, usize>>,
    rules: Vec<&'static [Rule]>,
}

#[derive(Debug, Default)]
struct Subscribers {
    groups: HashMap<u64, Group>,
    /// Groups without an equality: asked for every change.
    scanned: HashSet<u64>,
    /// Column, value, groups.
    indexed: HashMap<String, HashMap<String, Vec<u64>>>,
}

#[derive(Debug)]
struct Group {
    id: u64,
    wanted: Wanted,
    filter: Filter,
    select: Option<Vec<String>>,
    /// Those who may see every row.
    unrestricted: HashMap<u64, Arc<Member>>,
    /// Those who see what is theirs.
    owners: HashMap<UserId, HashMap<u64, Arc<Member>>>,
}

/// What a channel is subscribed to, for taking it back.
#[derive(Debug, Default)]
pub(crate) struct Registration {
    user: Option<UserId>,
    places: Vec<(usize, u64)>,
}

/// Who may see a row, besides those who may see every row.
type Owners = Vec<UserId>;

impl Changes {
    pub(crate) fn new(tables: &[Table]) -> Self {
        let mut places: HashMap<String, HashMap<String, usize>> = HashMap::new();
        for (place, table) in tables.iter().enumerate() {
            let names = places.entry(table.schema.into()).or_default();
            names.insert(table.name.into(), place);
        }
        let subscribers = tables.iter().map(|_| Subscribers::default());
        let rules = tables.iter().map(|table| table.rules).collect();
        Self {
            declared: Arc::new(Declared { places, rules }),
            tables: RwLock::new(subscribers.collect()),
            owed: Mutex::default(),
            past: false,
        }
    }

    /// The same tables without subscribers: for telling one channel the past, by the very rules
    /// of the present.
    pub(crate) fn solo(&self) -> Self {
        let subscribers = self.declared.rules.iter().map(|_| Subscribers::default());
        Self {
            declared: Arc::clone(&self.declared),
            tables: RwLock::new(subscribers.collect()),
            owed: Mutex::default(),
            past: true,
        }
    }

    /// Subscribes a channel to its bindings, in the place of what it was subscribed to. `before`
    /// runs while no change can be delivered, so that the answer to a join stands before its
    /// first change and nothing falls between. Returns the registration and a complaint for each
    /// binding that was not understood.
    pub(crate) fn subscribe(
        &self,
        member: &Arc<Member>,
        principal: &Principal,
        bindings: &[Option<Binding>],
        instead_of: &Registration,
        before: impl FnOnce(),
    ) -> (Registration, Vec<String>) {
        let (mut places, mut complaints) = (Vec::new(), Vec::new());
        let mut compiled = Vec::new();
        for binding in bindings.iter().flatten() {
            match self.compile(binding) {
                Ok(found) => compiled.push((binding, found)),
                Err(complaint) => complaints.push(complaint),
            }
        }
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        before();
        for (place, id) in &instead_of.places {
            tables[*place].remove(*id, member.id, instead_of.user);
        }
        for (binding, (wanted, found)) in compiled {
            for place in found {
                let group = tables[place].group(binding, wanted);
                let members = if unrestricted(self.declared.rules[place], principal) {
                    &mut group.unrestricted
                } else {
                    group.owners.entry(principal.user).or_default()
                };
                members.insert(member.id, Arc::clone(member));
                places.push((place, binding.id));
            }
        }
        let user = Some(principal.user);
        (Registration { user, places }, complaints)
    }

    /// Takes a channel's subscriptions back.
    pub(crate) fn unsubscribe(&self, member: u64, registration: &Registration) {
        if registration.places.is_empty() {
            return;
        }
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        for (place, id) in &registration.places {
            tables[*place].remove(*id, member, registration.user);
        }
    }

    /// What is wrong with these bindings.
    pub(crate) fn complaints(&self, bindings: &[Option<Binding>]) -> Vec<String> {
        let bindings = bindings.iter().flatten();
        bindings
            .filter_map(|binding| self.compile(binding).err())
            .collect()
    }

    fn compile(&self, binding: &Binding) -> Result<(Wanted, Vec<usize>), String> {
        let wanted = binding
            .wanted
            .ok_or("the event is none of *, INSERT, UPDATE, DELETE")?;
        Filter::parse(&binding.filter)?;
        let fits = |asked: &Option<String>, name: &String| asked.as_ref().is_none_or(|a| a == name);
        let places = self.declared.places.iter();
        let found: Vec<usize> = places
            .filter(|(schema, _)| fits(&binding.schema, schema))
            .flat_map(|(_, names)| names.iter().filter(|(name, _)| fits(&binding.table, name)))
            .map(|(_, place)| *place)
            .collect();
        if found.is_empty() {
            let (schema, table) = (&binding.schema, &binding.table);
            let name = |part: &Option<String>| part.clone().unwrap_or_else(|| "*".into());
            return Err(format!(
                "no table {}.{} is published",
                name(schema),
                name(table)
            ));
        }
        Ok((wanted, found))
    }

    fn place(&self, relation: &Relation) -> Option<usize> {
        self.declared
            .places
            .get(&relation.schema)?
            .get(&relation.name)
            .copied()
    }

    /// Sends a transaction to everyone who asked for it and may see it. `after` runs before
    /// anybody else can be subscribed. Returns how many frames it took.
    pub(crate) fn deliver(&self, transaction: &Transaction, after: impl FnOnce()) -> u64 {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        let mut sent = 0;
        for change in &transaction.changes {
            sent += self.send(&tables, change, &transaction.at);
        }
        for relation in &transaction.refetch {
            self.refetch(&tables, relation);
        }
        after();
        sent
    }

    fn send(&self, tables: &[Subscribers], change: &Change, at: &str) -> u64 {
        let Some(place) = self.place(&change.relation) else {
            return 0;
        };
        let rules = self.declared.rules[place];
        let subscribers = &tables[place];
        if subscribers.groups.is_empty() {
            return 0;
        }
        let mut reached = Reached::default();
        let (new, old) = (
            owners(rules, &change.relation, &change.new),
            owners(rules, &change.relation, &change.old),
        );
        match (change.kind, old) {
            (Kind::Insert, _) | (Kind::Update, None) => {
                let owners = new.unwrap_or_default();
                subscribers.reach(change, View::Whole, &owners, true, &mut reached);
            }
            (Kind::Delete, old) => {
                let owners = old.unwrap_or_default();
                subscribers.reach(change, View::Whole, &owners, true, &mut reached);
            }
            (Kind::Update, Some(old)) => {
                let new = new.unwrap_or_default();
                let (stayed, arrived): (Owners, Owners) =
                    new.iter().partition(|owner| old.contains(owner));
                let departed: Owners = old.into_iter().filter(|o| !new.contains(o)).collect();
                subscribers.reach(change, View::Whole, &stayed, true, &mut reached);
                subscribers.reach(change, View::Arrived, &arrived, false, &mut reached);
                subscribers.reach(change, View::Departed, &departed, false, &mut reached);
            }
        }
        reached.send(change, at, |member| self.owe(member))
    }

    /// Tells everyone who listens to a table to fetch it again.
    fn refetch(&self, tables: &[Subscribers], relation: &Relation) {
        let Some(place) = self.place(relation) else {
            return;
        };
        self.tell(tables.get(place).into_iter(), |topic| {
            serde_json::json!({
                "extension": "resume", "status": "error", "message": "refetch", "channel": topic,
                "schema": relation.schema, "table": relation.name,
            })
        });
    }
}

impl Subscribers {
    fn group(&mut self, binding: &Binding, wanted: Wanted) -> &mut Group {
        self.groups.entry(binding.id).or_insert_with(|| {
            // It was compiled before; an empty filter can only stand for an empty one.
            let filter = Filter::parse(&binding.filter).unwrap_or_default();
            match filter.index() {
                None => drop(self.scanned.insert(binding.id)),
                Some((column, values)) => {
                    let column = self.indexed.entry(column.to_owned()).or_default();
                    for key in values.iter().flat_map(|value| spellings(value)) {
                        column.entry(key).or_default().push(binding.id);
                    }
                }
            }
            Group {
                id: binding.id,
                wanted,
                filter,
                select: binding.select.clone(),
                unrestricted: HashMap::new(),
                owners: HashMap::new(),
            }
        })
    }

    fn remove(&mut self, id: u64, member: u64, user: Option<UserId>) {
        let Some(group) = self.groups.get_mut(&id) else {
            return;
        };
        group.unrestricted.remove(&member);
        if let Some(user) = user
            && let Some(members) = group.owners.get_mut(&user)
        {
            members.remove(&member);
            if members.is_empty() {
                group.owners.remove(&user);
            }
        }
        if !group.unrestricted.is_empty() || !group.owners.is_empty() {
            return;
        }
        if let Some((column, values)) = group.filter.index()
            && let Some(index) = self.indexed.get_mut(column)
        {
            for key in values.iter().flat_map(|value| spellings(value)) {
                if let Some(ids) = index.get_mut(&key) {
                    ids.retain(|other| *other != id);
                    if ids.is_empty() {
                        index.remove(&key);
                    }
                }
            }
            if index.is_empty() {
                let column = column.to_owned();
                self.indexed.remove(&column);
            }
        }
        self.scanned.remove(&id);
        self.groups.remove(&id);
    }

    /// Adds the channels that a change reaches under a view.
    fn reach<'a>(
        &'a self,
        change: &Change,
        view: View,
        owners: &[UserId],
        with_unrestricted: bool,
        reached: &mut Reached<'a>,
    ) {
        if owners.is_empty() && !with_unrestricted {
            return;
        }
        let kind = change.kind_in(view);
        let row = if kind == Kind::Delete {
            &change.old
        } else {
            &change.new
        };
        let relation = &change.relation;
        for group in self.candidates(relation, row) {
            let wanted = match group.wanted {
                Wanted::Any => true,
                Wanted::Insert => kind == Kind::Insert,
                Wanted::Update => kind == Kind::Update,
                Wanted::Delete => kind == Kind::Delete,
            };
            if !wanted || !group.filter.passes(relation, row) {
                continue;
            }
            let everyone = with_unrestricted.then_some(&group.unrestricted);
            let theirs = owners.iter().filter_map(|owner| group.owners.get(owner));
            let before = reached.hits.len();
            let members = everyone.into_iter().chain(theirs).flat_map(HashMap::values);
            reached.hits.extend(members.map(|member| Hit {
                member,
                view,
                group,
            }));
            if reached.hits.len() > before {
                reached.groups.insert(group.id);
            }
        }
    }

    /// Groups whose equality the row satisfies, and those that have none.
    fn candidates<'a>(
        &'a self,
        relation: &Relation,
        row: &[Cell],
    ) -> impl Iterator<Item = &'a Group> {
        let mut found: Vec<u64> = self.scanned.iter().copied().collect();
        for (column, values) in &self.indexed {
            let Some(position) = relation.position(column) else {
                continue;
            };
            let Some(text) = row.get(position).and_then(Cell::text) else {
                continue;
            };
            match spelling(relation.columns[position].class, text) {
                Some(key) => found.extend(values.get(&key).into_iter().flatten()),
                None => found.extend(values.values().flatten()),
            }
        }
        found.sort_unstable();
        found.dedup();
        found.into_iter().filter_map(|id| self.groups.get(&id))
    }
}

/// How a row's value is looked up. `None` for types of which equal values may be written
/// differently: their groups are all asked.
fn spelling(class: Class, text: &str) -> Option<String> {
    match class {
        Class::Text | Class::Uuid => Some(text.to_owned()),
        Class::Number => number::canonical(text),
        Class::Bool | Class::Json | Class::Timestamp | Class::Array(_) => None,
    }
}

/// Every spelling under which a row could look a filter's value up: the filter does not say of
/// which type its column is. Finding too much is harmless, because the filter is asked anyway.
fn spellings(value: &str) -> HashSet<String> {
    let mut keys = HashSet::from([value.to_owned(), value.to_ascii_lowercase()]);
    keys.extend(number::canonical(value));
    keys
}

fn unrestricted(rules: &[Rule], principal: &Principal) -> bool {
    rules.iter().any(|rule| match rule {
        Rule::Everyone => true,
        Rule::Permission(permission) => principal.can(*permission),
        Rule::Owner { .. } => false,
    })
}

/// The owners of a row; `None` when the row does not show who they are.
fn owners(rules: &[Rule], relation: &Relation, row: &[Cell]) -> Option<Owners> {
    let mut owners = Owners::new();
    let mut known = false;
    for rule in rules {
        let Rule::Owner { column } = rule else {
            continue;
        };
        match relation.position(column).and_then(|index| row.get(index)) {
            Some(Cell::Text(text)) => {
                known = true;
                // Whoever owns a row twice is reached once.
                let owner = text.parse::<UserId>().ok();
                owners.extend(owner.filter(|owner| !owners.contains(owner)));
            }
            Some(Cell::Null) => known = true,
            Some(Cell::Absent) | None => {}
        }
    }
    known.then_some(owners)
}
