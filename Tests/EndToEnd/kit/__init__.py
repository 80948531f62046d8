"""What the end-to-end cases share: the router under test, a scripted upstream with its own books, and the list of cases."""
