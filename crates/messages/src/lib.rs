//! What each event of the pipeline says: reports in, Slack message and Markdown out.
