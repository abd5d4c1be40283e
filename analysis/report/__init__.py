"""The report: sections of a document, written as one HTML file and as Markdown."""
