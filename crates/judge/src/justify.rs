use konform_terms::{Citation, Evidence, Language, Requirement, Step, Verdict};

/// Writes the steps of justifications in the language of the document.
pub(crate) struct Justifier(pub(crate) Language);

/// One sentence in English, French and German.
macro_rules! say {
    ($self:ident, $en:expr, $fr:expr, $de:expr $(,)?) => {
        match $self.0 {
            Language::FR => format!($fr),
            Language::DE => format!($de),
            _ => format!($en),
        }
    };
}

impl Justifier {
    pub(crate) fn source(&self, citations: &[Citation]) -> Option<Step> {
        let first = citations.first()?;
        let labels: Vec<String> = citations
            .iter()
            .map(|c| format!("{} {}", c.label, c.short_title))
            .collect();
        let labels = labels.join("; ");
        let language = first.language;
        let text = say!(
            self,
            "The requirement comes from {labels} ({language}).",
            "L’exigence découle de {labels} ({language}).",
            "Die Anforderung folgt aus {labels} ({language}).",
        );
        Some(Step {
            text,
            rests_on: citations.iter().map(|c| c.id.clone()).collect(),
        })
    }

    pub(crate) fn plain(&self, text: String) -> Step {
        Step {
            text,
            rests_on: vec![],
        }
    }

    pub(crate) fn unclear_whether_it_applies(&self, explanation: &str) -> Step {
        self.plain(say!(
            self,
            "{explanation} A person has to decide whether the requirement applies.",
            "{explanation} Une personne doit décider si l’exigence s’applique.",
            "{explanation} Ob die Anforderung gilt, muss ein Mensch entscheiden.",
        ))
    }

    pub(crate) fn check(&self, explanation: &str, evidence: &[Evidence]) -> Step {
        let text = say!(
            self,
            "A check without a model decided: {explanation}",
            "Un contrôle sans modèle a tranché : {explanation}",
            "Eine Prüfung ohne Modell hat entschieden: {explanation}",
        );
        Step {
            text,
            rests_on: ids(evidence),
        }
    }

    pub(crate) fn read(&self, segments: usize, read: usize) -> Step {
        self.plain(say!(
            self,
            "Of {segments} segments of the document, the {read} that share most with the requirement were read.",
            "Parmi les {segments} segments du document, les {read} les plus proches de l’exigence ont été lus.",
            "Von {segments} Abschnitten des Dokuments wurden die {read} gelesen, die der Anforderung am nächsten stehen.",
        ))
    }

    pub(crate) fn verdict(
        &self,
        verdict: Verdict,
        probability: f64,
        model: &str,
        evidence: &[Evidence],
    ) -> Step {
        let word = self.word(verdict);
        let percent = (probability * 100.0).round();
        let text = say!(
            self,
            "The model {model} gives “{word}” a probability of {percent} %.",
            "Le modèle {model} donne à « {word} » une probabilité de {percent} %.",
            "Das Modell {model} gibt „{word}“ eine Wahrscheinlichkeit von {percent} %.",
        );
        Step {
            text,
            rests_on: ids(evidence),
        }
    }

    pub(crate) fn unsure(&self, probability: f64, threshold: f64) -> Step {
        if threshold >= 1.0 {
            return self.plain(say!(
                self,
                "There is no probability from which this model may decide here, so a person has to decide.",
                "Il n’y a pas de probabilité à partir de laquelle ce modèle puisse trancher ici : une personne doit décider.",
                "Es gibt keine Wahrscheinlichkeit, ab der dieses Modell hier entscheiden darf; ein Mensch muss entscheiden.",
            ));
        }
        let probability = (probability * 100.0).round();
        let threshold = (threshold * 100.0).round();
        self.plain(say!(
            self,
            "{probability} % lies below the threshold of {threshold} %, so a person has to decide.",
            "{probability} % est inférieur au seuil de {threshold} % : une personne doit décider.",
            "{probability} % liegt unter der Schwelle von {threshold} %; ein Mensch muss entscheiden.",
        ))
    }

    pub(crate) fn unfounded(&self) -> Step {
        self.plain(say!(
            self,
            "No segment that was read moves this verdict, so nothing supports it; a person has to decide.",
            "Aucun des segments lus ne fait pencher ce verdict, que rien n’appuie donc ; une personne doit décider.",
            "Kein gelesener Abschnitt bewegt dieses Urteil, also stützt es nichts; ein Mensch muss entscheiden.",
        ))
    }

    pub(crate) fn stands_without(&self, without: f64) -> Step {
        let without = (without * 100.0).round();
        self.plain(say!(
            self,
            "Without the shown words the model would say the same ({without} %), so they are not its reason; a person has to decide.",
            "Sans les passages cités, le modèle dirait la même chose ({without} %) : ils ne sont donc pas sa raison ; une personne doit décider.",
            "Ohne die gezeigten Worte sagte das Modell dasselbe ({without} %), also sind sie nicht sein Grund; ein Mensch muss entscheiden.",
        ))
    }

    pub(crate) fn damaged(&self) -> Step {
        self.plain(say!(
            self,
            "The file is damaged and may have lost text, so nothing follows from what is not in it; a person has to decide.",
            "Le fichier est endommagé et a pu perdre du texte : on ne peut rien conclure d’une absence ; une personne doit décider.",
            "Die Datei ist beschädigt und kann Text verloren haben; aus Fehlendem folgt nichts, ein Mensch muss entscheiden.",
        ))
    }

    pub(crate) fn nothing_found(&self, segments: usize) -> Step {
        self.plain(say!(
            self,
            "None of the {segments} segments of the document shares a word with the requirement.",
            "Aucun des {segments} segments du document ne partage de mot avec l’exigence.",
            "Keiner der {segments} Abschnitte des Dokuments teilt ein Wort mit der Anforderung.",
        ))
    }

    pub(crate) fn no_wording(&self, requirement: &Requirement) -> Step {
        let id = &requirement.id;
        let language = self.0;
        self.plain(format!(
            "The requirement {id} has no wording in the language of the document ({language}), so a person has to decide."
        ))
    }

    pub(crate) fn too_long(&self, tokens: usize, capacity: usize) -> Step {
        self.plain(say!(
            self,
            "Requirement and evidence take {tokens} tokens, the model reads {capacity}, so a person has to decide.",
            "L’exigence et les passages font {tokens} jetons, le modèle en lit {capacity} : une personne doit décider.",
            "Anforderung und Belege brauchen {tokens} Token, das Modell liest {capacity}; ein Mensch muss entscheiden.",
        ))
    }

    /// What the pack says for the verdict, if it says something.
    pub(crate) fn wording(
        &self,
        requirement: &Requirement,
        verdict: Verdict,
        evidence: &[Evidence],
    ) -> Option<Step> {
        let wording = requirement.wording.get(&verdict)?;
        let text = wording.get(&self.0)?;
        Some(Step {
            text: text.clone(),
            rests_on: ids(evidence),
        })
    }

    fn word(&self, verdict: Verdict) -> &'static str {
        match (self.0, verdict) {
            (Language::FR, Verdict::Satisfied) => "satisfaite",
            (Language::FR, Verdict::Violated) => "enfreinte",
            (Language::FR, Verdict::Missing) => "absente",
            (Language::FR, Verdict::NotApplicable) => "sans objet",
            (Language::FR, Verdict::Undetermined) => "indéterminée",
            (Language::DE, Verdict::Satisfied) => "erfüllt",
            (Language::DE, Verdict::Violated) => "verletzt",
            (Language::DE, Verdict::Missing) => "fehlt",
            (Language::DE, Verdict::NotApplicable) => "nicht anwendbar",
            (Language::DE, Verdict::Undetermined) => "unbestimmt",
            _ => verdict.word(),
        }
    }
}

fn ids(evidence: &[Evidence]) -> Vec<String> {
    evidence.iter().map(|piece| piece.id.clone()).collect()
}
