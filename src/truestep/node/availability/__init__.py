"""How decisions about data are carried out."""
