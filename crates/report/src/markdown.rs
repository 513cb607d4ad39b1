use std::{collections::BTreeMap, fmt::Write as _};

use konform_terms::{Finding, Nature, Requirement, Verdict};

use crate::report::{Report, asks_for_work, percent, pick, sentences, severity_word};

/// Renders a short report as Markdown (`CommonMark` with tables): the counts, and what is to be
/// done, with quotes.
#[must_use]
pub fn markdown(report: &Report<'_>) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write(report, &mut out);
    out
}

fn write(report: &Report<'_>, out: &mut String) -> std::fmt::Result {
    let run = &report.run;
    writeln!(out, "# {}\n", escape(&report.title))?;
    writeln!(
        out,
        "{} · {} · konform {} · {} · findings `{}`\n",
        counted(report.documents.len() + report.unreadable.len(), "document"),
        counted(report.findings.len(), "finding"),
        escape(&run.konform),
        escape(&run.started),
        report.findings_digest().short(),
    )?;
    table(report, out)?;

    let requirements: BTreeMap<&str, &Requirement> = report
        .packs
        .iter()
        .flat_map(|pack| &pack.requirements)
        .map(|requirement| (requirement.id.as_str(), requirement))
        .collect();
    let work: Vec<&Finding> = report
        .worked()
        .into_iter()
        .filter(|finding| asks_for_work(finding.verdict))
        .collect();
    writeln!(out, "\n## Work list\n")?;
    if work.is_empty() {
        writeln!(
            out,
            "Nothing is violated, missing, undetermined or not assessed."
        )?;
    }
    for finding in work {
        let requirement = finding
            .requirement
            .as_deref()
            .and_then(|id| requirements.get(id))
            .copied();
        item(report, finding, requirement, out)?;
    }
    let outside = report.outside();
    if !outside.is_empty() {
        writeln!(out, "\n## Not concerned\n")?;
    }
    for ((document, pack), (findings, why)) in outside {
        writeln!(
            out,
            "- {}: {} {} of {} not applicable",
            escape(document),
            escape(why),
            counted(findings, "requirement"),
            escape(pack),
        )?;
    }
    if let Some(model) = &report.run.model {
        let mut known: Vec<String> = model.measured.iter().map(sentences).collect();
        if !model.calibrated {
            known.push("Its probabilities are not calibrated.".to_owned());
        }
        writeln!(
            out,
            "\nJudged by {} ({}). {}",
            escape(&model.name),
            escape(&model.source),
            escape(&known.join(" "))
        )?;
    }
    if report
        .run
        .corpora
        .iter()
        .any(|corpus| corpus.nature == Nature::Paraphrase)
    {
        writeln!(
            out,
            "\nPassages marked *paraphrase* are konform's own words, not the official text."
        )?;
    }
    Ok(())
}

/// A row per document, a column per verdict.
fn table(report: &Report<'_>, out: &mut String) -> std::fmt::Result {
    let mut rows: BTreeMap<&str, BTreeMap<Verdict, usize>> = BTreeMap::new();
    for finding in report.findings {
        *rows
            .entry(&finding.document)
            .or_default()
            .entry(finding.verdict)
            .or_default() += 1;
    }
    let words: Vec<&str> = Verdict::ALL.iter().map(|verdict| verdict.word()).collect();
    writeln!(out, "| document | {} |", words.join(" | "))?;
    writeln!(out, "|---|{}", "---:|".repeat(words.len()))?;
    let line = |name: &str, counts: &BTreeMap<Verdict, usize>| {
        let cells: Vec<String> = Verdict::ALL
            .iter()
            .map(|verdict| counts.get(verdict).copied().unwrap_or_default().to_string())
            .collect();
        format!("| {name} | {} |", cells.join(" | "))
    };
    for (document, counts) in &rows {
        writeln!(out, "{}", line(&escape(document), counts))?;
    }
    writeln!(out, "{}", line("**all**", &report.counts()))
}

fn item(
    report: &Report<'_>,
    finding: &Finding,
    requirement: Option<&Requirement>,
    out: &mut String,
) -> std::fmt::Result {
    let title = requirement
        .and_then(|requirement| pick(&requirement.title, report.language))
        .map(String::as_str)
        .or(finding.requirement.as_deref());
    write!(out, "- **{}**", finding.verdict)?;
    if let Some(severity) = finding.severity {
        write!(out, " ({})", severity_word(severity))?;
    }
    write!(out, " {}", escape(&finding.document))?;
    if let Some(title) = title {
        write!(out, ": {}", escape(title))?;
    }
    if let Some(id) = &finding.requirement {
        write!(out, " ({})", escape(id))?;
    }
    if let Some(probability) = finding.probability {
        write!(out, ", {}", percent(probability))?;
    }
    writeln!(out)?;
    if let Some(reason) = finding.not_assessed {
        let detail = report
            .unreadable
            .iter()
            .find(|unreadable| unreadable.path == finding.document)
            .map_or("", |unreadable| unreadable.detail.as_str());
        writeln!(out, "  - {reason}: {}", escape(detail))?;
    }
    for step in &finding.justification {
        write!(out, "  - {}", escape(&step.text))?;
        if !step.rests_on.is_empty() {
            write!(out, " ({})", escape(&step.rests_on.join(", ")))?;
        }
        writeln!(out)?;
    }
    for evidence in &finding.evidence {
        write!(out, "  - {}", escape(&evidence.id))?;
        if let Some(page) = evidence.page {
            write!(out, ", page {page}")?;
        }
        writeln!(out, ": “{}”", escape(&evidence.quote))?;
    }
    for citation in &finding.citations {
        write!(
            out,
            "  - {}, {} {}",
            escape(&citation.id),
            escape(&citation.label),
            escape(&citation.short_title),
        )?;
        if citation.nature == Nature::Paraphrase {
            write!(out, " (*paraphrase*)")?;
        }
        writeln!(out, ": “{}”", escape(&citation.quote))?;
    }
    if let Some(words) = &finding.commentary {
        writeln!(
            out,
            "  - The model’s own words, which nobody checked and which decide nothing: {}",
            escape(words)
        )?;
    }
    Ok(())
}

fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Writes a text so that Markdown shows it as it is, on one line.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        for (at, character) in word.char_indices() {
            let begins = out.is_empty() && at == 0;
            let special = match character {
                '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '$' | '&' => true,
                '!' => word[at..].starts_with("!["),
                '#' | '+' | '-' | '=' => begins,
                ':' => word[at..].starts_with("://"),
                // `1.` and `1)` begin a list where they begin a text.
                '.' | ')' => {
                    at > 0 && out.bytes().all(|byte| byte.is_ascii_digit()) && at + 1 == word.len()
                }
                _ => false,
            };
            if special {
                out.push('\\');
            }
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn markup_is_shown_and_not_obeyed() {
        for (text, want) in [
            ("plain text, 3 of 4. Yes!", "plain text, 3 of 4. Yes!"),
            ("a\n\n# b", "a # b"),
            ("# b", "\\# b"),
            ("1. first", "1\\. first"),
            ("- item", "\\- item"),
            ("<script>", "\\<script\\>"),
            ("a|b", "a\\|b"),
            ("![x](http://y)", "\\!\\[x\\](http\\://y)"),
            (
                "snake_case *bold* `code`",
                "snake\\_case \\*bold\\* \\`code\\`",
            ),
            ("&lt;", "\\&lt;"),
            ("", ""),
        ] {
            assert_eq!(escape(text), want, "{text}");
        }
    }
}
