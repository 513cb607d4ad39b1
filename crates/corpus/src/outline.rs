use std::collections::BTreeSet;

use konform_terms::{Address, Language, Provision};

use crate::{
    labels::{self, Part, Unit},
    text::fold,
};

/// The provisions of a text while it is read; what every importer writes into.
///
/// A provision is named by its place in the list. Addresses and labels follow from the units and
/// parts, so that all importers write them alike.
#[derive(Debug)]
pub(crate) struct Outline {
    language: Language,
    provisions: Vec<Provision>,
    /// For each provision the unit that it belongs to and its parts below that.
    places: Vec<(Option<Unit>, Vec<Part>)>,
    taken: BTreeSet<String>,
    warnings: Vec<String>,
}

impl Outline {
    pub(crate) fn new(language: Language) -> Self {
        Self {
            language,
            provisions: vec![],
            places: vec![],
            taken: BTreeSet::new(),
            warnings: vec![],
        }
    }

    /// Opens a part, title, chapter or section; `parent` is the division around it.
    pub(crate) fn division(&mut self, label: &str, heading: &str, parent: Option<usize>) -> usize {
        let (kind, number) = labels::division(label).map_or_else(
            || ("chp", (self.provisions.len() + 1).to_string()),
            |(kind, number, _)| (kind, number),
        );
        let own = format!("{kind}_{}", labels::slug(&number).to_uppercase());
        let address = match parent {
            Some(parent) => format!("{}__{own}", self.provisions[parent].address),
            None => own,
        };
        self.push(address, fold(label), parent, heading, (None, vec![]))
    }

    /// Opens an article, annex or recital.
    pub(crate) fn unit(&mut self, unit: Unit, heading: &str, parent: Option<usize>) -> usize {
        let label = labels::label(self.language, &unit, &[]);
        self.push(unit.address(), label, parent, heading, (Some(unit), vec![]))
    }

    /// Opens a part of another provision.
    pub(crate) fn part(&mut self, parent: usize, part: Part, heading: &str) -> usize {
        let address = format!("{}__{}", self.provisions[parent].address, part.address());
        let (unit, mut parts) = self.places[parent].clone();
        parts.push(part);
        let label = match &unit {
            Some(unit) => labels::label(self.language, unit, &parts),
            None => self.provisions[parent].label.clone(),
        };
        self.push(address, label, Some(parent), heading, (unit, parts))
    }

    /// Adds to the text of a provision.
    pub(crate) fn add(&mut self, at: usize, text: &str) {
        let own = &mut self.provisions[at].text;
        let text = fold(text);
        if !own.is_empty() && !text.is_empty() {
            own.push(' ');
        }
        own.push_str(&text);
    }

    /// Whether there is an article, annex or recital.
    pub(crate) fn has_units(&self) -> bool {
        self.places.iter().any(|(unit, _)| unit.is_some())
    }

    /// Notes what is doubtful.
    pub(crate) fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    /// Ends the reading.
    pub(crate) fn finish(self) -> (Vec<Provision>, Vec<String>) {
        (self.provisions, self.warnings)
    }

    fn push(
        &mut self,
        wanted: String,
        label: String,
        parent: Option<usize>,
        heading: &str,
        place: (Option<Unit>, Vec<Part>),
    ) -> usize {
        let mut address = wanted.clone();
        let mut number = 2;
        while !self.taken.insert(address.clone()) {
            address = format!("{wanted}-{number}");
            number += 1;
        }
        if address != wanted {
            self.warnings.push(format!(
                "`{wanted}` stands twice; this one is called `{address}`"
            ));
        }
        self.provisions.push(Provision {
            address: Address(address),
            label,
            parent: parent.map(|parent| self.provisions[parent].address.clone()),
            heading: fold(heading),
            text: String::new(),
        });
        self.places.push(place);
        self.provisions.len() - 1
    }
}
