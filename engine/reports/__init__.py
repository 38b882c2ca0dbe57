"""Reports room: figures and hot spots from what was decided and done. Pure: rows in, figures out."""
