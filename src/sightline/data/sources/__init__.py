"""Where labelled images come from: folders, tables and named sets."""
