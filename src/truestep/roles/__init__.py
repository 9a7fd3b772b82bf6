"""Worker and challenger as pure policies: view in, actions out."""
