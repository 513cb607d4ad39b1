//! Renders findings as HTML, Markdown and JSON.
