/** The stock pages of the admin site: only their look. */
import "../styles/admin.css";
