// Nothing: what remains is Node's own start and end.
