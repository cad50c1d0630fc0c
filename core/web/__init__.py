"""What every request meets before and after the views: its moment of arrival, errors as JSON, repeated writes."""
