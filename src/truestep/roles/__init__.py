"""Worker, challenger and keeper as pure policies: view in, actions out."""
